// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <g2d/distillation/mse.hpp>
#include <g2d/version.hpp>

int main() {
  const double loss = g2d::distillation::Mse{}(at::ones({2, 3}), at::zeros({2, 3})).item<double>();
  fmt::print("g2d {}: {}\n", G2D_VERSION, loss);
  return loss == 1.0 ? 0 : 1;
}
