// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace g2d::metrics {

/// A named figure over a whole dataset.
struct Metric {
  std::string name;
  double value = 0.0;
  bool higher_is_better = true;
};

/// The first one is the one that models are selected by.
using Metrics = std::vector<Metric>;

}  // namespace g2d::metrics
