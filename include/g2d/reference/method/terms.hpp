// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

namespace g2d::reference::method {

/// The loss of one batch, term by term, before the weights; `total` is the weighted sum that is minimised.
struct Terms {
  double task = 0.0;
  std::vector<double> feature;
  std::vector<double> logit;
  double total = 0.0;
};

}  // namespace g2d::reference::method
