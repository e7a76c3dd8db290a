// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <g2d/distillation/mse.hpp>
#include <g2d/distillation/none.hpp>
#include <g2d/method/distillation.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>

namespace g2d::method {

struct UmtOptions {
  distillation::Weight weight = 10.0;  ///< lambda: 10 in BalanceBenchmark; the paper's is not known to us.
};

/// Uni-modal teacher distillation (UMT): the supervised loss, and each encoder stays close to its unimodal teacher.
///
///     L = L_task(z, y) + lambda sum_m L_feature(h_m, h^T_m)
///
/// Complete: it brings the task's loss.
///
/// Use when   unimodal features are better than those of joint training, and the modalities need each other all the
///            same. Where they do not, `make_ensemble` of the teachers is enough.
/// Shapes     see `Distillation`. Any M.
/// Cost       O(B sum_m D_m) a step; the teachers' forward passes are precomputed.
/// Errors     those of `Distillation`.
/// Source     Du et al. 2023, arXiv:2305.01233; BalanceBenchmark's code.
/// Deviates   teachers are in evaluation mode; BalanceBenchmark leaves them in training mode.
template <task::TaskPolicy Task, distillation::DistillationPolicy Feature = distillation::Mse,
          distillation::connector::ConnectorPolicy Connector = distillation::connector::Identity>
class Umt : public Stack<Supervised<Task>, Distillation<Task, Feature, distillation::None, Connector>> {
 public:
  explicit Umt(UmtOptions options = {}, Task task = Task(), Feature feature = Feature(),
               Connector connector = Connector())
      : Stack<Supervised<Task>, Distillation<Task, Feature, distillation::None, Connector>>(
            Supervised<Task>(task),
            Distillation<Task, Feature, distillation::None, Connector>(
                {.feature_weight = std::move(options.weight)}, task, std::move(feature), {}, std::move(connector))) {}
};

}  // namespace g2d::method
