// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/fingerprint.hpp>
#include <g2d/core/free_device_memory.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/detail/each_tensor.hpp>

namespace g2d::data {

/// All samples as one tensor for each modality: a batch is one gather for each.
///
/// Shapes     inputs: M inputs [N, ...]; targets [N] or [N, C]; sample_ids int64 [N]; present bool [N, M] or undefined.
/// Device     one for inputs and targets, host or accelerator; sample ids in host memory.
/// Cost       batch(rows): one index_select for each tensor of the modalities that are read. Nothing reads ahead: on
///            the CPU a thread for it would take a core from the step, which takes far longer; beside an accelerator,
///            whose steps the host does not wait for, a batch is gathered while the step before it runs. Its copy may
///            wait for that step, unless batches are pinned.
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

  [[nodiscard]] Batch batch(const at::Tensor& rows) const {
    return gather(rows, is_read_, pins_ && all_.target.is_cpu());
  }

  /// What `to` takes of a device.
  [[nodiscard]] std::int64_t bytes() const {
    std::int64_t sum = 0;
    auto all = all_;
    detail::each_tensor(all, [&](const at::Tensor& tensor) { sum += static_cast<std::int64_t>(tensor.nbytes()); });
    return sum;
  }

  /// The same samples on another device; ids stay in host memory.
  ///
  /// Errors     DataError, before anything is copied, when the device has less memory free; whether there is room for
  ///            training, too, nobody knows. Where LibTorch cannot say what is free, its own error of the first tensor
  ///            that finds no room.
  [[nodiscard]] InMemory to(at::Device device) const {
    const auto here = all_.target.device();
    const bool stays = here.type() == device.type() && (!device.has_index() || here == device);
    const auto free = stays ? std::nullopt : free_device_memory(device);
    if (free && *free < bytes()) {
      throw DataError(fmt::format(
          "g2d: data::InMemory: to {}: expected {} bytes of free memory, got {}; keep the samples in host memory "
          "(pinning_batches), or use data::Streaming",
          device.str(), bytes(), *free));
    }
    InMemory moved = *this;
    detail::each_tensor(moved.all_, [&](at::Tensor& tensor) { tensor = tensor.to(device); });
    return moved;
  }

  /// The same samples, whose batches are gathered from host memory into page-locked memory: their copy to an
  /// accelerator holds up nobody. Errors: LibTorch's, of the first batch, where there is no accelerator.
  [[nodiscard]] InMemory pinning_batches() const {
    InMemory pinning = *this;
    pinning.pins_ = true;
    return pinning;
  }

  /// Some of the samples, with their ids. `rows`: int64 in host memory.
  [[nodiscard]] InMemory subset(const at::Tensor& rows) const {
    InMemory some = *this;
    some.all_ = gather(rows, PerModality<bool>(names_.size(), true), /*pins=*/false);
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
  [[nodiscard]] Batch gather(const at::Tensor& rows, const PerModality<bool>& is_read, bool pins) const {
    const auto device_rows = rows.to(all_.target.device(), /*non_blocking=*/true);
    const auto pick = [&](const at::Tensor& tensor) {
      if (!tensor.defined()) return at::Tensor();
      if (!pins) return tensor.index_select(0, device_rows);
      auto sizes = tensor.sizes().vec();
      sizes[0] = rows.size(0);
      auto picked = at::empty(sizes, tensor.options().pinned_memory(true));
      return at::index_select_out(picked, tensor, 0, device_rows);
    };
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
  bool pins_ = false;
};

static_assert(DatasetPolicy<InMemory> && ReadsPartly<InMemory>);

}  // namespace g2d::data
