// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include <g2d/core/per_modality.hpp>
#include <g2d/core/unlinked_table.hpp>
#include <g2d/train/detail/weights_version.hpp>

namespace g2d::detail {

/// What encoders that stand still say of every sample of a dataset: one table [N, D_m] for each.
///
/// The first epoch of a stage fills a table with what it computes anyway, the others read it, so that nothing is ever
/// computed for the table alone. A table goes when its encoder learns again, or somebody has written to it.
///
/// Device     the features'; tables past `memory_limit` bytes, all together, in host memory mapped from an unnamed
///            file.
/// Cost       4 D_m bytes a sample in float32; a gather in a step.
class StageFeatures {
 public:
  StageFeatures(std::int64_t num_samples, std::int64_t memory_limit)
      : num_samples_(num_samples), memory_limit_(memory_limit) {}

  /// `stands_still[m]`: encoder m does not change in this epoch, and says the same of the same sample.
  template <class Student>
  void begin_epoch(const Student& student, const PerModality<bool>& stands_still) {
    tables_.resize(stands_still.size());
    for (std::size_t m = 0; m < tables_.size(); ++m) {
      auto& table = tables_[m];
      WeightsVersion version = stands_still[m] ? WeightsVersion(*student.encoder(m).module()) : WeightsVersion();
      if (!stands_still[m] || !(table.version == version)) table = {};
      table.stands_still = stands_still[m];
      table.version = std::move(version);
      if (!table.is_complete()) table.num_missing = num_samples_;
    }
  }

  /// The modalities whose features are not known for every sample: what has to be read.
  [[nodiscard]] PerModality<bool> missing() const {
    PerModality<bool> missing;
    for (const auto& table : tables_) missing.push_back(!table.is_complete());
    return missing;
  }

  /// The features [B, D_m] of encoders that stand still, for these rows of the dataset, int64 [B] in host memory;
  /// undefined for the others. What no table has yet is asked of `compute(m)`. Each row is asked for once an epoch.
  template <class Compute>
  [[nodiscard]] PerModality<at::Tensor> features(const at::Tensor& rows, Compute&& compute) {
    PerModality<at::Tensor> features(tables_.size());
    for (std::size_t m = 0; m < tables_.size(); ++m) {
      auto& table = tables_[m];
      if (!table.stands_still) continue;
      if (table.is_complete()) {
        features[m] = table.values.index_select(0, on(table.values, rows)).to(table.device, /*non_blocking=*/true);
        continue;
      }
      features[m] = compute(m).detach();
      if (!table.values.defined()) allocate(table, features[m]);
      table.values.index_copy_(0, on(table.values, rows), features[m].to(table.values.device()));
      table.num_missing -= rows.size(0);
    }
    return features;
  }

 private:
  struct Table {
    at::Tensor values;
    at::Device device = at::kCPU;  ///< The features'.
    WeightsVersion version;
    std::int64_t num_missing = 0;
    bool stands_still = false;
    bool is_mapped = false;

    [[nodiscard]] bool is_complete() const { return values.defined() && num_missing == 0; }
  };

  [[nodiscard]] static at::Tensor on(const at::Tensor& values, const at::Tensor& rows) {
    return rows.to(values.device(), /*non_blocking=*/true);
  }

  void allocate(Table& table, const at::Tensor& features) const {
    std::int64_t used = 0;
    for (const auto& other : tables_)
      used += other.values.defined() && !other.is_mapped ? static_cast<std::int64_t>(other.values.nbytes()) : 0;
    const auto needed = num_samples_ * features.size(1) * static_cast<std::int64_t>(features.element_size());
    table.device = features.device();
    table.is_mapped = used + needed > memory_limit_;
    table.values = table.is_mapped
                       ? make_unlinked_table({num_samples_, features.size(1)}, features.scalar_type(), "Trainer",
                                             "raise feature_memory_bytes")
                       : at::empty({num_samples_, features.size(1)}, features.options().requires_grad(false));
  }

  std::int64_t num_samples_;
  std::int64_t memory_limit_;
  PerModality<Table> tables_;
};

}  // namespace g2d::detail
