// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <variant>

namespace g2d::optimizer {

/// v <- momentum v + g + weight_decay theta;  theta <- theta - learning_rate v.  Defaults: the authors'.
struct Sgd {
  double learning_rate = 1e-3;
  double momentum = 0.9;
  double weight_decay = 1e-4;
  bool nesterov = false;
};

/// Adam (arXiv:1412.6980) with L2 weight decay in the gradient.
struct Adam {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
};

/// Adam with decoupled weight decay (arXiv:1711.05101).
struct AdamW {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;
};

using Settings = std::variant<Sgd, Adam, AdamW>;

}  // namespace g2d::optimizer
