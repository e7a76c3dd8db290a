// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/core/fingerprint.hpp>

namespace g2d::data {

/// All samples as one tensor for each modality: a batch is one gather for each.
///
/// Shapes     inputs: M inputs [N, ...]; targets [N] or [N, C]; sample_ids int64 [N]; present bool [N, M] or undefined.
/// Device     one for inputs and targets, host or accelerator; sample ids in host memory.
/// Cost       batch(rows): one index_select for each tensor of the modalities that are read.
/// Errors     ShapeError when sizes do not match; DataError for an empty dataset or values that are not finite.
class InMemory {
 public:
  InMemory(ModalityNames names, PerModality<Input> inputs, at::Tensor targets, at::Tensor sample_ids = {},
           at::Tensor present = {})
      : names_(std::move(names)) {
    all_.inputs = std::move(inputs);
    all_.target = std::move(targets);
    if (!all_.target.defined() || all_.target.dim() == 0 || all_.target.size(0) == 0) {
      throw DataError("g2d: data::InMemory: expected at least one sample, got an empty dataset");
    }
    is_read_.assign(all_.inputs.size(), true);
    all_.sample_ids = sample_ids.defined() ? std::move(sample_ids) : at::arange(all_.target.size(0), at::kLong);
    all_.present = std::move(present);
    check_batch(all_, names_);
    check_finite();
  }

  [[nodiscard]] const ModalityNames& names() const { return names_; }
  [[nodiscard]] std::int64_t size() const { return all_.size(); }
  [[nodiscard]] bool is_deterministic() const { return true; }
  [[nodiscard]] const Batch& all() const { return all_; }
  [[nodiscard]] at::Tensor targets() const { return all_.target; }
  [[nodiscard]] at::Tensor sample_ids() const { return all_.sample_ids; }

  [[nodiscard]] Batch batch(const at::Tensor& rows) const { return gather(rows, is_read_); }

  /// The same samples on another device; ids stay in host memory.
  [[nodiscard]] InMemory to(at::Device device) const {
    InMemory moved = *this;
    for (auto& input : moved.all_.inputs) {
      input.values = input.values.to(device);
      if (input.lengths.defined()) input.lengths = input.lengths.to(device);
    }
    moved.all_.target = moved.all_.target.to(device);
    if (moved.all_.present.defined()) moved.all_.present = moved.all_.present.to(device);
    return moved;
  }

  /// Some of the samples, with their ids. `rows`: int64 in host memory.
  [[nodiscard]] InMemory subset(const at::Tensor& rows) const {
    InMemory some = *this;
    some.all_ = gather(rows, PerModality<bool>(names_.size(), true));
    return some;
  }

  /// The same samples, in whose batches the inputs of the other modalities are undefined.
  [[nodiscard]] InMemory reading(const PerModality<bool>& is_read) const {
    check_is_read(is_read, names_, "InMemory");
    InMemory partly = *this;
    partly.is_read_ = is_read;
    return partly;
  }

  /// The same samples with one modality.
  [[nodiscard]] InMemory only(std::size_t modality) const {
    InMemory one = *this;
    one.names_ = ModalityNames({names_[modality]});
    one.all_ = detail::only(all_, modality);
    one.is_read_ = {true};
    return one;
  }

  [[nodiscard]] std::string fingerprint() const {
    Fingerprint fingerprint;
    for (std::size_t m = 0; m < names_.size(); ++m) {
      fingerprint.add(names_[m]).add(all_.inputs[m].values).add(all_.inputs[m].lengths);
    }
    return fingerprint.add(all_.target).add(all_.sample_ids).add(all_.present).str();
  }

 private:
  [[nodiscard]] Batch gather(const at::Tensor& rows, const PerModality<bool>& is_read) const {
    const auto device_rows = rows.to(all_.target.device(), /*non_blocking=*/true);
    const auto pick = [&](const at::Tensor& tensor) { return tensor.defined() ? tensor.index_select(0, device_rows) : at::Tensor(); };
    Batch batch;
    for (std::size_t m = 0; m < all_.inputs.size(); ++m) {
      const auto& input = all_.inputs[m];
      batch.inputs.push_back(is_read[m] ? Input(pick(input.values), pick(input.lengths)) : Input());
    }
    batch.target = pick(all_.target);
    batch.sample_ids = all_.sample_ids.index_select(0, rows);
    batch.present = pick(all_.present);
    return batch;
  }

  void check_finite() const {
    for (std::size_t m = 0; m < names_.size(); ++m) {
      const auto& values = all_.inputs[m].values;
      if (!values.is_floating_point()) continue;
      auto is_finite = at::isfinite(values).reshape({size(), -1}).all(1);
      if (all_.present.defined()) is_finite = is_finite.logical_or(present_column(all_, m).logical_not());
      if (!is_finite.all().item<bool>()) {
        throw DataError(fmt::format("g2d: data::InMemory: modality \"{}\": expected finite values, got NaN or infinity",
                                    names_[m]));
      }
    }
    if (all_.target.is_floating_point() && !at::isfinite(all_.target).all().item<bool>()) {
      throw DataError("g2d: data::InMemory: target: expected finite values, got NaN or infinity");
    }
  }

  ModalityNames names_;
  Batch all_;
  PerModality<bool> is_read_;
};

static_assert(DatasetPolicy<InMemory> && ReadsPartly<InMemory>);

}  // namespace g2d::data
