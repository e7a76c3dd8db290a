// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/core/input.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/shape.hpp>

namespace g2d {

/// The samples of one step.
struct Batch {
  /// One for each modality, in declared order; without values where nobody needs them.
  PerModality<Input> inputs = {};
  at::Tensor target = {};  ///< Classes int64 [B]; regression [B, C]; multi-label [B, C] of 0 and 1.
  /// Stable ids, int64 [B], always in host memory; may be undefined without a teacher cache.
  at::Tensor sample_ids = {};
  at::Tensor present = {};  ///< bool [B, M]: which modalities a sample has. Undefined: all of them.

  [[nodiscard]] std::int64_t size() const { return target.size(0); }
};

/// Column m of the presence mask, or an undefined tensor when every sample has every modality.
[[nodiscard]] inline at::Tensor present_column(const Batch& batch, std::size_t m) {
  return batch.present.defined() ? batch.present.select(1, static_cast<std::int64_t>(m)) : at::Tensor();
}

namespace detail {

inline void check_input(const Input& input, const std::string& name, std::int64_t rows) {
  const auto& [values, lengths] = input;
  if (!values.defined() || values.dim() == 0 || values.size(0) != rows) {
    throw ShapeError(fmt::format("g2d: Batch: modality \"{}\": expected {} samples as in the target, got {}", name,
                                 rows, values.defined() ? to_string(values.sizes()) : std::string("no tensor")));
  }
  if (lengths.defined() && (lengths.dim() != 1 || lengths.size(0) != rows || lengths.scalar_type() != at::kLong)) {
    throw ShapeError(fmt::format("g2d: Batch: modality \"{}\": expected lengths int64 [{}], got {} {}", name, rows,
                                 c10::toString(lengths.scalar_type()), to_string(lengths.sizes())));
  }
}

}  // namespace detail

/// Checks everything that shapes alone can tell, of the inputs for which `is_needed(m)`. Errors: ShapeError naming the
/// modality. No device sync.
template <std::predicate<std::size_t> IsNeeded>
void check_batch(const Batch& batch, const ModalityNames& names, const IsNeeded& is_needed) {
  if (batch.inputs.size() != names.size()) {
    throw ShapeError(
        fmt::format("g2d: Batch: expected {} inputs ({}), got {}", names.size(), names.joined(), batch.inputs.size()));
  }
  if (!batch.target.defined() || batch.target.dim() == 0 || batch.target.size(0) == 0) {
    throw ShapeError("g2d: Batch: expected a target with at least one sample, got none");
  }
  const auto rows = batch.size();
  for (std::size_t m = 0; m < names.size(); ++m) {
    if (is_needed(m)) detail::check_input(batch.inputs[m], names[m], rows);
  }
  const auto& ids = batch.sample_ids;
  if (ids.defined() && (ids.dim() != 1 || ids.size(0) != rows || !ids.is_cpu() || ids.scalar_type() != at::kLong)) {
    throw ShapeError(fmt::format("g2d: Batch: expected sample_ids int64 [{}] in host memory, got {} {} on {}", rows,
                                 c10::toString(ids.scalar_type()), to_string(ids.sizes()), ids.device().str()));
  }
  if (batch.present.defined()) {
    const auto modalities = static_cast<std::int64_t>(names.size());
    if (batch.present.scalar_type() != at::kBool) throw ShapeError("g2d: Batch: expected present of dtype bool");
    check_matrix(batch.present, rows, modalities, "Batch: present");
  }
}

inline void check_batch(const Batch& batch, const ModalityNames& names) {
  check_batch(batch, names, [](std::size_t) { return true; });
}

}  // namespace g2d
