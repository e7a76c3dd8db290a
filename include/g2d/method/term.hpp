// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>

#include <cstddef>
#include <optional>
#include <string_view>

namespace g2d::method {

/// One summand of the loss: weight * value.
struct Term {
  std::string_view name;                ///< A literal: "task", "feature", "logit", ...
  std::optional<std::size_t> modality;  ///< Set when the term belongs to one modality.
  at::Tensor value;                     ///< Scalar, unweighted.
  double weight = 1.0;
};

using Terms = c10::SmallVector<Term, 8>;

/// sum_k weight_k value_k.
[[nodiscard]] inline at::Tensor total(const Terms& terms) {
  at::Tensor sum;
  for (const auto& term : terms) {
    if (!sum.defined()) {
      sum = term.weight == 1.0 ? term.value : term.value.mul(term.weight);
    } else {
      sum = sum.add(term.value, term.weight);
    }
  }
  return sum;
}

}  // namespace g2d::method
