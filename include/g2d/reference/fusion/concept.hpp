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
/// | fusion          | logits                                   | M   | hands on           |
/// |-----------------|------------------------------------------|-----|--------------------|
/// | Sum             | sum_m (W_m h_m + b_m)                    | 1.. | h_m                |
/// | Late            | mean_m (W_m h_m + b_m)                   | 1.. | h_m                |
/// | Concat          | W [h_0, ..., h_{M-1}] + b                | 1.. | h_m                |
/// | Film            | W (gamma * mean_{m != c} h_m + beta) + b | 2.. | h_m                |
/// | Gated           | W (gate * mean_{m != c} P_m h_m) + b     | 2.. | P_m h_m            |
/// | Cosine          | s sum_m normalise(h_m) normalise(W_m)^T  | 1.. | h_m                |
/// | SharedHead      | sum_m w_m (W h_m + b)                    | 1.. | h_m                |
/// | EnergyWeighted  | sum_m conf_m (W_m h_m + b_m)             | 1.. | h_m                |
/// | Boosted         | s sum_m (V max(U h_m + u, 0) + v)        | 1.. | h_m                |
/// | CrossExcitation | mean_m (W_m g_m + b_m)                   | 2.. | g_m = gate_m * h_m |
///
/// A layer without a bias has an empty one.
template <class Fusion>
concept FusionPolicy = requires(Fusion& fusion, const Fusion& fixed, const PerModality& features,
                                const fusion::OutputGradient& output_gradient) {
  { fixed.forward(features) } -> std::same_as<fusion::Output>;
  { fixed.backward(features, output_gradient) } -> std::same_as<fusion::Gradient>;
  { fusion.layers() } -> std::same_as<std::vector<Linear*>>;
};

}  // namespace g2d::reference
