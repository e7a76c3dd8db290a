// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: an encoder needs at::Tensor forward

// An encoder is a module with a forward.

#include <g2d/encoder/encoder.hpp>

struct Mine : torch::nn::Module {
#if !defined(G2D_EXPECT_ERROR)
  at::Tensor forward(const at::Tensor& x);
#endif
};

g2d::Encoder use(const std::shared_ptr<Mine>& module) { return {module, {.feature_width = 3}}; }
