// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include <g2d/analysis/detail/linear_models.hpp>
#include <g2d/analysis/labelled_features.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/metrics/classification.hpp>
#include <g2d/metrics/metric.hpp>
#include <g2d/metrics/multi_label.hpp>
#include <g2d/metrics/regression.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::analysis {

struct LinearProbeOptions {
  /// Positive, to choose from on the validation split.
  std::vector<double> penalties = {1.0, 0.1, 0.01, 0.001, 0.0001};
};

/// A linear model on frozen features, and what it reaches: outputs = features weight^T + bias.
struct LinearProbe {
  at::Tensor weight;  ///< [C, D], double; for features as they are, not standardised.
  at::Tensor bias;    ///< [C]
  double penalty = 0.0;
  metrics::Metrics validation;
  metrics::Metrics test;
};

/// How much of the target a linear model reads out of frozen features: the task's metrics on the test split.
///
///     argmin_{W, b}  1/N sum_i loss(W s(h_i) + b, y_i) + penalty/2 ||W||_F^2,   s: standardised by the training
///                    features
///
/// loss: cross-entropy for classes, the sum of the labels' binary cross-entropies, half the squared error for values,
/// in the unit of the target. The penalty is the one with the best first metric on the validation split, the greater of
/// equals; the test split takes part in nothing but the last figure.
///
/// Shapes     features [N, D] of any three N; targets as the task has them.
/// Cost       in double, on the features' device: for each penalty L-BFGS, or for values one [D, D] system.
///            Deterministic on the host.
/// Errors     ConfigError for no penalties or one that is not positive; ShapeError for features that are not of one
///            width or fewer than two training samples; DataError for features that are not finite; the task's for
///            targets that are not its own.
template <task::TaskPolicy Task>
[[nodiscard]] LinearProbe linear_probe(const LabelledFeatures& train, const LabelledFeatures& validation,
                                       const LabelledFeatures& test, const Task& task, std::int64_t num_outputs,
                                       const LinearProbeOptions& options = {}) {
  auto penalties = options.penalties;
  std::sort(penalties.begin(), penalties.end(), std::greater<>());
  if (penalties.empty() || !(penalties.back() > 0.0) || !std::isfinite(penalties.front())) {
    throw ConfigError("g2d: analysis::linear_probe: expected one or more finite penalties > 0");
  }
  for (const auto* split : {&train, &validation, &test}) {
    check_matrix(split->features, split->target.size(0), train.features.size(1), "analysis::linear_probe: features");
    task.check(num_outputs, split->target.cpu());
    if (!at::isfinite(split->features).all().template item<bool>()) {
      throw DataError("g2d: analysis::linear_probe: expected finite features, got NaN or infinity");
    }
  }
  if (train.target.size(0) < 2) {
    throw ShapeError("g2d: analysis::linear_probe: expected at least 2 training samples, got 1");
  }

  const at::NoGradGuard no_grad;
  const auto kind = static_cast<OutputKind>(task.output_kind);
  const auto as_double = [](const at::Tensor& tensor) { return tensor.detach().to(at::kDouble); };
  const auto mean = as_double(train.features).mean(0);
  const auto spread = as_double(train.features).std(0, /*unbiased=*/false);
  constexpr double rounding = 1e-12;
  const auto deviation = at::where(spread.gt(mean.abs().mul(rounding)), spread, spread.new_ones({}));
  const auto standardized = [&](const LabelledFeatures& split) {
    return as_double(split.features).sub(mean).div(deviation);
  };
  const auto measured = [&](const at::Tensor& output, const at::Tensor& target) {
    switch (kind) {
      case OutputKind::Classes:
        return metrics::classification(output, target);
      case OutputKind::Labels:
        return metrics::multi_label(output, target);
      case OutputKind::Values:
        break;
    }
    return metrics::regression(output, target);
  };

  const auto x = standardized(train);
  const auto y = kind == OutputKind::Classes ? train.target : as_double(train.target);
  const auto x_validation = standardized(validation);
  detail::LinearModel model{at::zeros({x.size(1), num_outputs}, x.options()), at::zeros({num_outputs}, x.options())};
  LinearProbe best;
  double best_score = -std::numeric_limits<double>::infinity();
  for (const double penalty : penalties) {
    if (kind == OutputKind::Values) {
      model = detail::ridge_regression(x, y, penalty);
    } else {
      detail::logistic_regression(model, x, y, penalty, kind);
    }
    auto reached = measured(model(x_validation), validation.target);
    const double score = reached[0].higher_is_better ? reached[0].value : -reached[0].value;
    if (score > best_score) {
      best_score = score;
      const auto weight = model.weight.div(deviation.unsqueeze(1));
      best = {weight.t().contiguous(), model.bias.sub(mean.matmul(weight)), penalty, std::move(reached), {}};
    }
  }
  best.test = measured(as_double(test.features).matmul(best.weight.t()).add(best.bias), test.target);
  return best;
}

}  // namespace g2d::analysis
