// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <g2d/optimizer/settings.hpp>

namespace g2d_test {

/// Each optimizer, with whatever state it can have.
[[nodiscard]] inline std::vector<std::pair<std::string, g2d::optimizer::Settings>> optimizers() {
  using namespace g2d::optimizer;
  return {{"SGD", Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01}},
          {"SGD without momentum", Sgd{.learning_rate = 0.1, .momentum = 0.0, .weight_decay = 0.01}},
          {"SGD with nesterov", Sgd{.learning_rate = 0.1, .momentum = 0.8, .weight_decay = 0.01, .nesterov = true}},
          {"Adam", Adam{.learning_rate = 0.01, .weight_decay = 0.01}},
          {"AdamW", AdamW{.learning_rate = 0.01, .weight_decay = 0.1}}};
}

}  // namespace g2d_test
