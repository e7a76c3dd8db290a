// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace g2d {

/// What the numbers that a model puts out mean: it decides which distillation formulas make sense.
enum class OutputKind {
  Classes,  ///< Logits of one categorical choice: classification.
  Labels,   ///< Logits of independent yes/no choices: multi-label.
  Values,   ///< Real values: regression.
};

[[nodiscard]] constexpr std::string_view to_string(OutputKind kind) {
  switch (kind) {
    case OutputKind::Classes:
      return "classification";
    case OutputKind::Labels:
      return "multi-label";
    case OutputKind::Values:
      return "regression";
  }
  return "unknown";
}

}  // namespace g2d
