// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/method/plan.hpp>

namespace g2d::detail {

/// The batches of an epoch, as rows of the dataset, with what a plan hides of them.
struct EpochBatches {
  std::vector<at::Tensor> rows;
  std::vector<at::Tensor> keep;  ///< bool [B, M] each; empty: nothing is hidden.

  void hide(Batch& batch, std::size_t i) const {
    if (keep.empty()) return;
    const auto shown = keep[i].to(batch.target.device(), /*non_blocking=*/true);
    batch.present = batch.present.defined() ? batch.present.logical_and(shown) : shown;
  }
};

[[nodiscard]] inline EpochBatches epoch_batches(const std::optional<method::SampleView>& view, std::int64_t num_samples,
                                                std::int64_t batch_size, std::uint64_t seed, std::int64_t epoch) {
  if (!view) return {data::shuffled_batches(num_samples, batch_size, seed, epoch), {}};
  EpochBatches batches;
  for (const auto& entries : data::shuffled_batches(view->rows.size(0), batch_size, seed, epoch)) {
    batches.rows.push_back(view->rows.index_select(0, entries));
    if (view->keep.defined()) batches.keep.push_back(view->keep.index_select(0, entries));
  }
  return batches;
}

}  // namespace g2d::detail
