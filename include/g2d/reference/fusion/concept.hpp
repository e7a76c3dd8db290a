// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <vector>

#include <g2d/reference/fusion/gradient.hpp>
#include <g2d/reference/fusion/output.hpp>
#include <g2d/reference/linear.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference {

/// A fusion turns M features into logits, knows the gradient of that, and lists its layers.
///
/// | fusion | logits                                   | M   | hands on          |
/// |--------|------------------------------------------|-----|-------------------|
/// | Sum    | sum_m (W_m h_m + b_m)                    | 1.. | h_m               |
/// | Late   | mean_m (W_m h_m + b_m)                   | 1.. | h_m               |
/// | Concat | W [h_0, ..., h_{M-1}] + b                | 1.. | h_m               |
/// | Film   | W (gamma * mean_{m != c} h_m + beta) + b | 2.. | h_m               |
/// | Gated  | W (gate * mean_{m != c} P_m h_m) + b     | 2.. | P_m h_m           |
template <class Fusion>
concept FusionPolicy = requires(Fusion& fusion, const Fusion& fixed, const PerModality& features,
                                const fusion::OutputGradient& output_gradient) {
  { fixed.forward(features) } -> std::same_as<fusion::Output>;
  { fixed.backward(features, output_gradient) } -> std::same_as<fusion::Gradient>;
  { fusion.layers() } -> std::same_as<std::vector<Linear*>>;
};

}  // namespace g2d::reference
