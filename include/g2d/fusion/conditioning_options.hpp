// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace g2d::fusion {

/// Which modality conditions the others, for the fusions that are not symmetric.
struct ConditioningOptions {
  std::string conditioning = {};  ///< Its name; empty: the first one declared, as in the authors' code (audio).
};

}  // namespace g2d::fusion
