// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/classes_only.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

struct CmlOptions {
  double weight = 0.1;              ///< lambda >= 0: 0.1 in the published example (beta / 100 with beta = 10).
  double margin = 0.0;              ///< epsilon >= 0: so much may the confidence rise for free.
  bool spares_corrections = false;  ///< Official: free where the reduced input is right and the fuller one is wrong.
  bool sums_over_batch = false;     ///< Official: the samples' excesses are added up, not averaged.
  std::uint64_t seed = 0;           ///< Of the order of removal.
};

/// The published code's regulariser.
[[nodiscard]] inline CmlOptions official_cml() { return {.spares_corrections = true, .sums_over_batch = true}; }

/// The order in which a step removes the modalities: a function of seed and step alone.
[[nodiscard]] inline std::vector<std::size_t> cml_order(std::size_t num_modalities, std::uint64_t seed,
                                                        std::int64_t step) {
  const auto permutation = at::randperm(static_cast<std::int64_t>(num_modalities),
                                        make_generator(seed, static_cast<std::uint64_t>(step)), at::kLong);
  const auto* begin = permutation.const_data_ptr<std::int64_t>();
  return {begin, begin + permutation.numel()};
}

/// Calibrating multimodal learning (CML): the confidence must not rise when a modality is taken away.
///
///     S_M > S_(M-1) > ... > S_1: all modalities, then one fewer each time, in a random order;
///     conf(S) = max_c softmax(z_S)_c
///     L = (1/M) sum_k L_task(z_(S_k), y) + lambda sum_(k=2)^M mean_i relu(conf_i(S_(k-1)) - conf_i(S_k) - epsilon)
///
/// z_S is the fused output with the features of all other modalities replaced by zero. Complete: it brings the task's
/// loss, as the terms "task" of all modalities and "subset" of the rest of the chain; "confidence" is the regulariser.
/// Samples that lack the modality that is removed do not count there.
///
/// Use when   predictions should stay calibrated, and usable, as modalities go missing. For classes.
/// Shapes     any fusion; any M, and M = 1 is joint training.
/// Cost       M - 1 more passes through the fusion; the encoders are not run again. No sync.
/// Errors     ConfigError for a negative weight or margin; another task than classification does not compile.
/// Source     Ma et al. 2023, arXiv:2306.01265, and its published code.
/// Deviates   a mean over the batch where the code has a sum, and no gate: `official_cml()` has both. One order a step.
///            BalanceBenchmark draws one order an epoch and rectifies the batch's sum instead of each sample.
template <task::TaskPolicy Task>
class Cml {
 public:
  static_assert(detail::may_have_classes_v<Task>,
                "g2d: method::Cml compares the probabilities of classes, which this task does not have; use "
                "task::Classification");

  explicit Cml(CmlOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    detail::check_classes(task_.output_kind, "Cml");
    if (!(options_.weight >= 0.0) || !(options_.margin >= 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Cml: expected weight and margin >= 0, got {} and {}", options_.weight,
                                    options_.margin));
    }
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto target = outputs.kept(context.batch.target);
    task_.check(outputs.fused.size(1), target);
    const auto num_modalities = outputs.encoded.size();
    const double share = 1.0 / static_cast<double>(num_modalities);
    terms.push_back({"task", {}, task_.loss(outputs.fused, target), share});
    if (num_modalities == 1) return;

    auto order = cml_order(num_modalities, options_.seed, context.step);
    order.pop_back();  // The last one stays.
    auto features = outputs.encoded;
    auto fuller = outputs.fused;
    at::Tensor losses, excess;
    for (const auto m : order) {
      features[m] = at::zeros_like(features[m]);
      auto reduced = context.student->fuse(features).logits;
      add(losses, task_.loss(reduced, target));
      add(excess, total_excess(fuller, reduced, target, outputs.kept(present_column(context.batch, m))));
      fuller = std::move(reduced);
    }
    terms.push_back({"subset", {}, losses, share});
    terms.push_back({"confidence", {}, excess, options_.weight});
  }

 private:
  static void add(at::Tensor& sum, at::Tensor value) { sum = sum.defined() ? sum.add(value) : std::move(value); }

  [[nodiscard]] static at::Tensor confidence(const at::Tensor& logits) { return at::softmax(logits, 1).amax(1); }

  /// Of the samples that have what is removed.
  [[nodiscard]] at::Tensor total_excess(const at::Tensor& fuller, const at::Tensor& reduced, const at::Tensor& target,
                                        const at::Tensor& present) const {
    auto rise = confidence(reduced).sub(confidence(fuller));
    if (options_.spares_corrections) {
      const auto is_corrected = reduced.argmax(1).eq(target).logical_and(fuller.argmax(1).ne(target));
      rise = rise.mul(is_corrected.logical_not());
    }
    const auto excess = rise.sub(options_.margin).relu();
    if (!options_.sums_over_batch) return detail::mean_over_present(excess, present);
    return present.defined() ? excess.mul(present).sum() : excess.sum();
  }

  CmlOptions options_;
  Task task_;
};

}  // namespace g2d::method
