// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/fingerprint.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/sample_random.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/modality_reader.hpp>
#include <g2d/data/sample_id.hpp>

namespace g2d::data {

/// What is known of all samples before any is read.
struct SampleIndex {
  std::vector<std::string> names;  ///< Unique: what messages call a sample, and what its id is made of.
  at::Tensor targets;              ///< int64 [N], or floating [N, C].
  at::Tensor present = {};         ///< bool [N, M]; undefined: every sample has every modality.
};

/// Samples that are read one by one: what a dataset on disk is before something (`Streaming`, `load_in_memory`) reads
/// it.
///
/// A sample's random transforms draw from (seed, epoch, its id, its modality) alone. Copies share what they hold.
/// Errors     at construction: ConfigError without a modality; ShapeError for sizes that do not match; DataError when
///            it is empty or two samples have one name.
class Samples {
 public:
  Samples(std::vector<ModalityReader> readers, SampleIndex index, std::uint64_t seed = 0)
      : names_(names_of(readers)),
        readers_(std::move(readers)),
        columns_(readers_.size()),
        is_read_(readers_.size(), true),
        seed_(seed) {
    std::iota(columns_.begin(), columns_.end(), std::size_t{0});
    check(index);
    ids_ = sample_ids_of(index.names);
    entries_ = at::arange(static_cast<std::int64_t>(index.names.size()), at::kLong);
    index_ = std::make_shared<const SampleIndex>(std::move(index));
  }

  [[nodiscard]] const ModalityNames& names() const { return names_; }
  [[nodiscard]] std::int64_t size() const { return entries_.size(0); }
  [[nodiscard]] at::Tensor targets() const { return index_->targets.index_select(0, entries_); }
  [[nodiscard]] at::Tensor targets(const at::Tensor& rows) const {
    return index_->targets.index_select(0, entries(rows));
  }
  [[nodiscard]] at::Tensor sample_ids() const { return ids_.index_select(0, entries_); }
  [[nodiscard]] at::Tensor sample_ids(const at::Tensor& rows) const { return ids_.index_select(0, entries(rows)); }
  [[nodiscard]] const std::string& sample_name(std::int64_t row) const {
    return index_->names[static_cast<std::size_t>(entry(row))];
  }
  [[nodiscard]] bool reads(std::size_t m) const { return is_read_[m]; }
  [[nodiscard]] bool is_sequence(std::size_t m) const { return readers_[m].is_sequence; }
  [[nodiscard]] const std::string& transform_description(std::size_t m) const {
    return readers_[m].transform.description();
  }

  [[nodiscard]] bool is_deterministic() const {
    return std::none_of(readers_.begin(), readers_.end(),
                        [](const auto& reader) { return reader.transform.is_random(); });
  }

  /// Which of its modalities a sample has: [B, M], or undefined when every sample has every modality.
  [[nodiscard]] at::Tensor present(const at::Tensor& rows) const {
    if (!index_->present.defined()) return {};
    std::vector<std::int64_t> columns(columns_.begin(), columns_.end());
    return index_->present.index_select(0, entries(rows)).index_select(1, at::tensor(columns, at::kLong));
  }

  [[nodiscard]] bool has(std::int64_t row, std::size_t m) const {
    if (!index_->present.defined()) return true;
    const auto width = index_->present.size(1);
    return index_->present.const_data_ptr<bool>()[entry(row) * width + static_cast<std::int64_t>(columns_[m])];
  }

  /// Reads modality m of one sample as it is in `epoch`. Errors: DataError naming sample, modality and reason.
  [[nodiscard]] at::Tensor read(std::int64_t row, std::size_t m, std::int64_t epoch) const {
    const at::NoGradGuard no_grad;
    const auto& reader = readers_[m];
    const auto id = ids_.const_data_ptr<std::int64_t>()[entry(row)];
    SampleRandom random({.seed = seed_, .epoch = epoch, .sample_id = id, .modality = columns_[m]});
    try {
      auto value = reader.transform(reader.decode(entry(row)), random);
      if (value.is_floating_point() && !is_finite(value))
        throw DataError("g2d: expected finite values, got NaN or infinity");
      return value;
    } catch (const c10::Error& error) {
      fail(row, m, error.what_without_backtrace());
    } catch (const std::exception& error) {
      fail(row, m, error.what());
    }
  }

  /// Modality m of any sample that has it, one that `subset` left out if need be: its shape and dtype, where no sample
  /// of a batch has it. Errors: DataError when no sample has it, and its reader makes nothing of one that lacks it.
  [[nodiscard]] at::Tensor example(std::size_t m) const {
    for (std::int64_t row = 0; row < size(); ++row) {
      if (has(row, m)) return read(row, m, 0);
    }
    if (size() < static_cast<std::int64_t>(index_->names.size())) {
      Samples all = *this;
      all.entries_ = at::arange(static_cast<std::int64_t>(index_->names.size()), at::kLong);
      return all.example(m);
    }
    if (readers_[m].is_sequence) return read(0, m, 0);  // of no steps
    throw DataError(fmt::format("g2d: modality \"{}\": expected at least one sample that has it, got none", names_[m]));
  }

  /// Some of the samples, with their ids. `rows`: int64 in host memory.
  [[nodiscard]] Samples subset(const at::Tensor& rows) const {
    Samples some = *this;
    some.entries_ = entries_.index_select(0, rows);
    return some;
  }

  /// The same samples with one modality: the others are not read.
  [[nodiscard]] Samples only(std::size_t modality) const {
    Samples one = *this;
    one.names_ = ModalityNames({names_[modality]});
    one.readers_ = {readers_[modality]};
    one.columns_ = {columns_[modality]};
    one.is_read_ = {true};
    return one;
  }

  /// The same samples; of the other modalities nothing is read, and batches hold no values.
  [[nodiscard]] Samples reading(const PerModality<bool>& is_read) const {
    check_is_read(is_read, names_, "Samples");
    Samples partly = *this;
    partly.is_read_ = is_read;
    return partly;
  }

  /// Of the listed samples, what they are decoded from, and their transforms.
  [[nodiscard]] std::string fingerprint() const {
    Fingerprint fingerprint;
    for (const auto& reader : readers_) {
      fingerprint.add(reader.name)
          .add(reader.fingerprint ? reader.fingerprint() : "")
          .add(reader.transform.description());
    }
    for (std::int64_t row = 0; row < size(); ++row) fingerprint.add(sample_name(row));
    fingerprint.add(targets()).add(std::to_string(seed_));
    if (index_->present.defined()) fingerprint.add(present(at::arange(size(), at::kLong)));
    return fingerprint.str();
  }

 private:
  [[nodiscard]] at::Tensor entries(const at::Tensor& rows) const { return entries_.index_select(0, rows); }
  [[nodiscard]] std::int64_t entry(std::int64_t row) const { return entries_.const_data_ptr<std::int64_t>()[row]; }

  /// By the sum, which takes a fraction of the time of asking every value; in float16 it would overflow.
  static bool is_finite(const at::Tensor& value) {
    const auto dtype = c10::isReducedFloatingType(value.scalar_type()) ? at::kFloat : value.scalar_type();
    return std::isfinite(value.sum(dtype).item<double>());
  }

  [[noreturn]] void fail(std::int64_t row, std::size_t m, std::string_view reason) const {
    constexpr std::string_view prefix = "g2d: ";
    if (reason.starts_with(prefix)) reason.remove_prefix(prefix.size());
    throw DataError(fmt::format("g2d: sample \"{}\", modality \"{}\": {}", sample_name(row), names_[m],
                                reason.substr(0, reason.find('\n'))));
  }

  static ModalityNames names_of(const std::vector<ModalityReader>& readers) {
    std::vector<std::string> names;
    for (const auto& reader : readers) names.push_back(reader.name);
    return ModalityNames(std::move(names));
  }

  void check(SampleIndex& index) const {
    const auto count = static_cast<std::int64_t>(index.names.size());
    if (count == 0) throw DataError("g2d: data::Samples: expected at least one sample, got none");
    if (!index.targets.defined() || index.targets.dim() == 0 || index.targets.size(0) != count) {
      throw ShapeError(fmt::format("g2d: data::Samples: expected targets of {} samples, got {}", count,
                                   index.targets.defined() ? to_string(index.targets.sizes()) : "none"));
    }
    if (!index.present.defined()) return;
    check_matrix(index.present, count, static_cast<std::int64_t>(readers_.size()), "data::Samples: present");
    if (index.present.scalar_type() != at::kBool)
      throw ShapeError("g2d: data::Samples: expected present of dtype bool");
    index.present = index.present.contiguous();
  }

  ModalityNames names_;
  std::vector<ModalityReader> readers_;
  std::vector<std::size_t> columns_;  // of the readers among all modalities of the index
  PerModality<bool> is_read_;
  std::shared_ptr<const SampleIndex> index_;
  at::Tensor ids_;
  at::Tensor entries_;  // row -> entry of the index
  std::uint64_t seed_;
};

}  // namespace g2d::data
