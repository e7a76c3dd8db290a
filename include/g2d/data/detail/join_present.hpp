// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace g2d::data::detail {

/// The presence masks of batches, one after the other: bool [N, M], undefined when every sample of every batch has
/// every modality. A batch without a mask lacks nothing; `targets` say how many samples it has.
[[nodiscard]] inline at::Tensor join_present(std::vector<at::Tensor> present, const std::vector<at::Tensor>& targets,
                                             std::size_t num_modalities) {
  if (std::none_of(present.begin(), present.end(), [](const at::Tensor& part) { return part.defined(); })) return {};
  const auto width = static_cast<std::int64_t>(num_modalities);
  for (std::size_t i = 0; i < present.size(); ++i) {
    if (!present[i].defined())
      present[i] = at::ones({targets[i].size(0), width}, targets[i].options().dtype(at::kBool));
  }
  return at::cat(present);
}

}  // namespace g2d::data::detail
