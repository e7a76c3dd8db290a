// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace g2d::recipe {

/// Which epoch's weights a run reports.
enum class Selection {
  BestValidation,  ///< Best on the validation split, within the last stage, in which all modalities learn.
  BestTest,        ///< Best on the test split: what the authors' code does. Its numbers are too good.
};

[[nodiscard]] constexpr std::string_view to_string(Selection selection) {
  switch (selection) {
    case Selection::BestValidation: return "best validation epoch of the last stage";
    case Selection::BestTest: return "best test epoch";
  }
  return "unknown";
}

}  // namespace g2d::recipe
