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
/// Cost       batch(rows): one index_select for each tensor.
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

  [[nodiscard]] Batch batch(const at::Tensor& rows) const {
    const auto device_rows = rows.to(all_.target.device(), /*non_blocking=*/true);
    Batch batch;
    for (const auto& input : all_.inputs) {
      batch.inputs.emplace_back(input.values.index_select(0, device_rows),
                                input.lengths.defined() ? input.lengths.index_select(0, device_rows) : at::Tensor());
    }
    batch.target = all_.target.index_select(0, device_rows);
    batch.sample_ids = all_.sample_ids.index_select(0, rows);
    if (all_.present.defined()) batch.present = all_.present.index_select(0, device_rows);
    return batch;
  }

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
    some.all_ = batch(rows);
    return some;
  }

  /// The same samples with one modality.
  [[nodiscard]] InMemory only(std::size_t modality) const {
    InMemory one = *this;
    one.names_ = ModalityNames({names_[modality]});
    one.all_ = detail::only(all_, modality);
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
};

static_assert(DatasetPolicy<InMemory>);

}  // namespace g2d::data
