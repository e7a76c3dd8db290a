// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>

#include <g2d/core/fingerprint.hpp>
#include <g2d/data/modality_reader.hpp>

namespace g2d::data {

/// A modality whose samples are the rows of a tensor [N, ...], in memory or mapped from a file. With `lengths`, int64
/// [N] in host memory, they are sequences [T_max, ...] of which only the valid steps are read.
[[nodiscard]] inline ModalityReader read_rows(std::string name, at::Tensor rows, transform::Any transform,
                                              at::Tensor lengths = {}) {
  if (lengths.defined()) lengths = lengths.contiguous();
  return {.name = std::move(name),
          .decode =
              [rows, lengths](std::int64_t entry) {
                const auto row = rows.select(0, entry);
                return lengths.defined() ? row.narrow(0, 0, lengths.const_data_ptr<std::int64_t>()[entry]) : row;
              },
          .transform = std::move(transform),
          .fingerprint = [rows, lengths] { return Fingerprint().add(rows).add(lengths).str(); },
          .is_sequence = lengths.defined()};
}

}  // namespace g2d::data
