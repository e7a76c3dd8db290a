// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/where.h>
#include <ATen/ops/xlogy.h>
#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/classes_only.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/detail/present_loss.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

enum class MbsdForm {
  Detached,          ///< Ours: the better modality teaches, and is not taught.
  BalanceBenchmark,  ///< As that benchmark's code computes it, to reproduce its numbers.
};

struct MbsdOptions {
  double weight = 1.0;  ///< Of both terms between modalities; 1 in BalanceBenchmark.
  MbsdForm form = MbsdForm::Detached;
};

/// Self-distillation from the better modality to the weaker one, sample by sample (MBSD).
///
/// For a pair of modalities and a sample i let s be the one that gives the true class the greater probability, u the
/// other:
///
///     w_i  = p_s[i, y_i] - p_u[i, y_i] where at least one of the two predicts y_i, else 0
///     RS_i = (1/C) |p_s[i] - p_u[i]|^2;  KL_i = KL(p_s[i] || p_u[i]), with w and p_s held constant
///     L    = L_task(z, y) + sum_m L_task(z_m, y) + mean over pairs of (1/B) sum_i w_i (RS_i + KL_i)
///
/// Complete: it brings the task's loss, as "task" and "unimodal"; the terms "similarity" and "distillation" are those
/// of the pairs. Samples that lack a modality count neither for it nor for its pairs.
///
/// Use when   modalities are good at different samples and no teachers are at hand. For classes.
/// Shapes     needs the student's unimodal outputs z_m [B, C]: an exact split, or heads of their own. Any M; with one
///            modality the terms of the pairs are missing.
/// Cost       the readout, and O(M^2 B C). No sync.
/// Errors     ConfigError for a negative weight; another task than classification does not compile.
/// Source     Liu et al. 2023 (WSDM), of which we know the abstract, and BalanceBenchmark's code.
/// Deviates   BalanceBenchmark lets gradients flow through w and p_s, takes KL_i = u (log u - t) of the true class's
///            two probabilities u < t, and, for two modalities, RS of the logits: `MbsdForm::BalanceBenchmark`.
template <task::TaskPolicy Task>
class Mbsd {
 public:
  static constexpr Needs needs{.unimodal = true};

  static_assert(detail::may_have_classes_v<Task>,
                "g2d: method::Mbsd compares the probabilities of classes, which this task does not have; use "
                "task::Classification");

  explicit Mbsd(MbsdOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    detail::check_classes(task_.output_kind, "Mbsd");
    if (!(options_.weight >= 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Mbsd: expected weight >= 0, got {}", options_.weight));
    }
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto target = outputs.kept(context.batch.target);
    task_.check(outputs.fused.size(1), target);
    const auto num_modalities = outputs.unimodal.size();
    terms.push_back({"task", {}, task_.loss(outputs.fused, target), 1.0});
    PerModality<Prediction> predictions;
    for (std::size_t m = 0; m < num_modalities; ++m) {
      const auto present = outputs.kept(present_column(context.batch, m));
      terms.push_back({"unimodal", m, detail::present_loss(task_, outputs.unimodal[m], target, present), 1.0});
      predictions.push_back(predict(outputs.unimodal[m], target, present));
    }
    if (num_modalities < 2) return;

    const bool compares_logits = options_.form == MbsdForm::BalanceBenchmark && num_modalities == 2;
    Pair sum;
    for (std::size_t a = 0; a < num_modalities; ++a) {
      for (std::size_t b = a + 1; b < num_modalities; ++b) {
        auto pair = options_.form == MbsdForm::Detached ? detached(predictions[a], predictions[b])
                                                        : attached(predictions[a], predictions[b], compares_logits);
        sum.similarity = sum.similarity.defined() ? sum.similarity.add(pair.similarity) : std::move(pair.similarity);
        sum.distillation =
            sum.distillation.defined() ? sum.distillation.add(pair.distillation) : std::move(pair.distillation);
      }
    }
    const double weight = options_.weight * 2.0 / static_cast<double>(num_modalities * (num_modalities - 1));
    terms.push_back({"similarity", {}, sum.similarity, weight});
    terms.push_back({"distillation", {}, sum.distillation, weight});
  }

 private:
  struct Prediction {
    at::Tensor logits, log_probability, probability;  ///< [B, C]
    at::Tensor of_truth;                              ///< [B], the true class's probability.
    at::Tensor is_right;                              ///< bool [B]
    at::Tensor present;                               ///< bool [B], or undefined.
  };

  struct Pair {
    at::Tensor similarity, distillation;
  };

  [[nodiscard]] static Prediction predict(const at::Tensor& logits, const at::Tensor& target, at::Tensor present) {
    Prediction prediction{logits, at::log_softmax(logits, 1), {}, {}, logits.argmax(1).eq(target), std::move(present)};
    prediction.probability = prediction.log_probability.exp();
    prediction.of_truth = prediction.probability.gather(1, target.unsqueeze(1)).squeeze(1);
    return prediction;
  }

  [[nodiscard]] static at::Tensor weights(const Prediction& a, const Prediction& b) {
    return a.of_truth.sub(b.of_truth).abs().mul(a.is_right.logical_or(b.is_right));
  }

  /// The weighted mean over the samples that have both modalities.
  [[nodiscard]] static at::Tensor mean(const Prediction& a, const Prediction& b, const at::Tensor& values) {
    return detail::mean_over_present(values, a.present.defined() ? a.present.logical_and(b.present) : at::Tensor());
  }

  [[nodiscard]] static Pair detached(const Prediction& a, const Prediction& b) {
    const auto a_is_better = a.of_truth.ge(b.of_truth).unsqueeze(1);
    const auto teacher = at::where(a_is_better, a.probability, b.probability).detach();
    const auto log_teacher = at::where(a_is_better, a.log_probability, b.log_probability).detach();
    const auto student = at::where(a_is_better, b.probability, a.probability);
    const auto log_student = at::where(a_is_better, b.log_probability, a.log_probability);
    const auto weight = weights(a, b).detach();
    return {mean(a, b, weight.mul(teacher.sub(student).square().mean(1))),
            mean(a, b, weight.mul(teacher.mul(log_teacher.sub(log_student)).sum(1)))};
  }

  [[nodiscard]] static Pair attached(const Prediction& a, const Prediction& b, bool compares_logits) {
    const auto& of_a = compares_logits ? a.logits : a.probability;
    const auto& of_b = compares_logits ? b.logits : b.probability;
    const auto greater = at::maximum(a.of_truth, b.of_truth);
    const auto lesser = at::minimum(a.of_truth, b.of_truth);
    const auto weight = weights(a, b);
    return {mean(a, b, weight.mul(of_a.sub(of_b).square().mean(1))),
            mean(a, b, weight.mul(at::xlogy(lesser, lesser).sub(lesser.mul(greater))))};
  }

  MbsdOptions options_;
  Task task_;
};

}  // namespace g2d::method
