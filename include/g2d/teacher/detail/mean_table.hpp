// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include <g2d/core/per_modality.hpp>
#include <g2d/core/teacher_outputs.hpp>
#include <g2d/core/unlinked_table.hpp>
#include <g2d/distillation/kl.hpp>

namespace g2d::detail {

/// The mean teacher of N samples: one table [N, C + 1], probabilities and negative entropy.
class MeanTable {
 public:
  /// From M tables of logits [N, C], some samples at a time: they may be larger than memory.
  MeanTable(const distillation::Kl& kl, ModalitySpan<at::Tensor> logits, at::ScalarType dtype, bool is_mapped) {
    constexpr std::int64_t samples = 1024;
    const at::NoGradGuard no_grad;
    const auto num_samples = logits[0].size(0), num_outputs = logits[0].size(1);
    table_ = is_mapped ? make_unlinked_table({num_samples, num_outputs + 1}, dtype, "TeacherCache", "keep no mean")
                       : at::empty({num_samples, num_outputs + 1}, logits[0].options().dtype(dtype));
    for (std::int64_t first = 0; first < num_samples; first += samples) {
      const auto count = std::min(samples, num_samples - first);
      PerModality<at::Tensor> part;
      for (const auto& of_teacher : logits) part.push_back(of_teacher.narrow(0, first, count).to(dtype));
      const auto mean = kl.mean_of(part);
      const auto rows = table_.narrow(0, first, count);
      rows.narrow(1, 0, num_outputs).copy_(mean.probabilities);
      rows.select(1, num_outputs).copy_(mean.negative_entropy);
    }
  }

  [[nodiscard]] MeanTeacher rows(const at::Tensor& rows, at::Device device) const {
    const auto found =
        table_.index_select(0, rows.to(table_.device(), /*non_blocking=*/true)).to(device, /*non_blocking=*/true);
    const auto num_outputs = found.size(1) - 1;
    return {found.narrow(1, 0, num_outputs), found.select(1, num_outputs)};
  }

 private:
  at::Tensor table_;
};

}  // namespace g2d::detail
