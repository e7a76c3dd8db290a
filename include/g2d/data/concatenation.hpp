// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/fingerprint.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>

namespace g2d::data {
namespace detail {

/// Rows of inputs below each other; shorter sequences are padded.
[[nodiscard]] inline Input concatenate(std::vector<Input> parts) {
  if (!parts[0].values.defined()) return {};  // A modality that is not read.
  if (!parts[0].lengths.defined()) {
    std::vector<at::Tensor> values;
    for (auto& part : parts) values.push_back(std::move(part.values));
    return at::cat(values);
  }
  std::int64_t longest = 0;
  for (const auto& part : parts) longest = std::max(longest, part.values.size(1));
  std::vector<at::Tensor> values, lengths;
  for (const auto& part : parts) {
    std::vector<std::int64_t> padding(static_cast<std::size_t>(2 * (part.values.dim() - 1)), 0);
    padding.back() = longest - part.values.size(1);
    values.push_back(at::constant_pad_nd(part.values, padding));
    lengths.push_back(part.lengths);
  }
  return {at::cat(values), at::cat(lengths)};
}

/// Batches below each other.
[[nodiscard]] inline Batch concatenate(std::vector<Batch> parts) {
  const auto gather = [&](auto member) {
    std::vector<at::Tensor> tensors;
    for (const auto& part : parts) tensors.push_back(member(part));
    return at::cat(tensors);
  };
  Batch all;
  for (std::size_t m = 0; m < parts[0].inputs.size(); ++m) {
    std::vector<Input> inputs;
    for (const auto& part : parts) inputs.push_back(part.inputs[m]);
    all.inputs.push_back(concatenate(std::move(inputs)));
  }
  all.target = gather([](const Batch& part) { return part.target; });
  all.sample_ids = gather([](const Batch& part) { return part.sample_ids; });
  if (std::any_of(parts.begin(), parts.end(), [](const Batch& part) { return part.present.defined(); })) {
    all.present = gather([](const Batch& part) {
      const auto width = static_cast<std::int64_t>(part.inputs.size());
      return part.present.defined() ? part.present
                                    : at::ones({part.size(), width}, part.target.options().dtype(at::kBool));
    });
  }
  return all;
}

[[nodiscard]] inline Batch reorder(Batch batch, const at::Tensor& rows) {
  const auto pick = [&](at::Tensor& tensor) {
    if (tensor.defined()) tensor = tensor.index_select(0, rows.to(tensor.device()));
  };
  for (auto& input : batch.inputs) {
    pick(input.values);
    pick(input.lengths);
  }
  pick(batch.target);
  pick(batch.sample_ids);
  pick(batch.present);
  return batch;
}

}  // namespace detail

/// Datasets of the same modalities one after the other. It holds copies, which share the samples.
///
/// Cost       a batch: one of each part that it draws from, and a gather.
/// Errors     ConfigError when there is none or their modalities differ; DataError when two samples have one id.
template <DatasetPolicy Dataset>
class Concatenation {
 public:
  explicit Concatenation(std::vector<Dataset> parts) : parts_(std::move(parts)) {
    if (parts_.empty()) throw ConfigError("g2d: data::Concatenation: expected at least one dataset, got none");
    starts_.push_back(0);
    for (const auto& part : parts_) {
      if (!(part.names() == parts_[0].names())) {
        throw ConfigError(
            fmt::format("g2d: data::Concatenation: expected datasets of the modalities ({}), got one of ({})",
                        parts_[0].names().joined(), part.names().joined()));
      }
      starts_.push_back(starts_.back() + part.size());
    }
    if constexpr (KnowsSampleIds<Dataset>) check_ids();
  }

  [[nodiscard]] const ModalityNames& names() const { return parts_[0].names(); }
  [[nodiscard]] std::int64_t size() const { return starts_.back(); }
  [[nodiscard]] bool is_deterministic() const {
    return std::all_of(parts_.begin(), parts_.end(), [](const Dataset& part) { return part.is_deterministic(); });
  }
  [[nodiscard]] std::string fingerprint() const {
    Fingerprint fingerprint;
    for (const auto& part : parts_) fingerprint.add(part.fingerprint());
    return fingerprint.str();
  }

  [[nodiscard]] Batch batch(const at::Tensor& rows) const {
    return join(shares(rows), [this](const Share& share) { return parts_[share.part].batch(share.rows); });
  }

  [[nodiscard]] BatchStream stream(std::vector<at::Tensor> batches, std::int64_t epoch) const {
    std::vector<std::vector<Share>> of_batches;
    std::vector<std::vector<at::Tensor>> of_parts(parts_.size());
    for (const auto& rows : batches) {
      for (const auto& share : of_batches.emplace_back(shares(rows))) of_parts[share.part].push_back(share.rows);
    }
    std::vector<BatchStream> streams;
    for (std::size_t i = 0; i < parts_.size(); ++i)
      streams.push_back(data::stream(parts_[i], std::move(of_parts[i]), epoch));
    return BatchStream(
        [streams = std::move(streams), of_batches = std::move(of_batches), i = std::size_t{0}]() mutable {
          return join(of_batches.at(i++), [&](const Share& share) { return streams[share.part].next(); });
        });
  }

  [[nodiscard]] Concatenation only(std::size_t modality) const
    requires Restrictable<Dataset>
  {
    std::vector<Dataset> parts;
    for (const auto& part : parts_) parts.push_back(part.only(modality));
    return Concatenation(std::move(parts));
  }

  [[nodiscard]] Concatenation reading(const PerModality<bool>& is_read) const
    requires ReadsPartly<Dataset>
  {
    Concatenation partly = *this;
    for (auto& part : partly.parts_) part = part.reading(is_read);
    return partly;
  }

  [[nodiscard]] at::Tensor targets() const
    requires KnowsTargets<Dataset>
  {
    return gather([](const Dataset& part) { return part.targets(); });
  }

  [[nodiscard]] at::Tensor sample_ids() const
    requires KnowsSampleIds<Dataset>
  {
    return gather([](const Dataset& part) { return part.sample_ids(); });
  }

 private:
  /// What a batch draws from one part, and where it goes.
  struct Share {
    std::size_t part;
    at::Tensor rows, positions;
  };

  [[nodiscard]] std::vector<Share> shares(const at::Tensor& rows) const {
    std::vector<Share> shares;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto inside = rows.ge(starts_[i]).logical_and(rows.lt(starts_[i + 1])).nonzero().squeeze(1);
      if (inside.numel() > 0) shares.push_back({i, rows.index_select(0, inside).sub(starts_[i]), inside});
    }
    return shares;
  }

  template <class Read>
  [[nodiscard]] static Batch join(const std::vector<Share>& shares, const Read& read) {
    std::vector<Batch> batches;
    std::vector<at::Tensor> positions;
    for (const auto& share : shares) {
      batches.push_back(read(share));
      positions.push_back(share.positions);
    }
    return detail::reorder(detail::concatenate(std::move(batches)), at::cat(positions).argsort());
  }

  template <class Member>
  [[nodiscard]] at::Tensor gather(const Member& member) const {
    std::vector<at::Tensor> tensors;
    for (const auto& part : parts_) tensors.push_back(member(part));
    return at::cat(tensors);
  }

  void check_ids() const {
    const auto sorted = std::get<0>(sample_ids().sort());
    const auto is_repeated = sorted.slice(0, 1).eq(sorted.slice(0, 0, -1));
    if (is_repeated.any().template item<bool>()) {
      throw DataError(
          fmt::format("g2d: data::Concatenation: expected samples with ids that differ, got {} twice; give each "
                      "dataset ids of its own",
                      sorted.slice(0, 1).masked_select(is_repeated)[0].template item<std::int64_t>()));
    }
  }

  std::vector<Dataset> parts_;
  std::vector<std::int64_t> starts_;  // of each part, and the end
};

}  // namespace g2d::data
