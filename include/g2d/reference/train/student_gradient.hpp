// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <g2d/reference/linear.hpp>

namespace g2d::reference::train {

/// One Linear for each parameter layer of a student: the encoders in the modalities' order, and the fusion's
/// `layers()`.
struct StudentGradient {
  std::vector<Linear> encoders;
  std::vector<Linear> fusion;
};

}  // namespace g2d::reference::train
