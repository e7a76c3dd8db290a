// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include <g2d/confidence/check.hpp>
#include <g2d/confidence/order.hpp>
#include <g2d/core/error.hpp>
#include <g2d/schedule/concept.hpp>
#include <g2d/schedule/order.hpp>
#include <g2d/suppression/complete.hpp>

namespace g2d::schedule {

struct SequentialOptions {
  /// M + 1 entries, in the stages' order, adding up to the run's epochs; empty: by fractions.
  std::vector<std::int64_t> stage_epochs = {};
  std::vector<double> stage_fractions = {};  ///< M + 1 entries >= 0, taken as shares of the run; empty: equal (ours).
  Order order = Order::WeakFirst;
  std::uint64_t seed = 0;  ///< For Order::Random.
};

/// Sequential Modality Prioritization: M + 1 stages, each modality alone from weak to strong, then all.
///
///     order pi by ascending rho;  stage j: kappa_m = [m = pi(j)];  stage M: kappa = 1
///
/// Use when   one modality outruns the others. Stages need time: with few epochs the loss alone may do better.
/// Units      epochs. Heads and everything shared train in every stage. Each stage has an epoch at least, unless its
///            entry is 0.
/// Cost       with Complete suppression a stage costs little more than its one active encoder.
/// Errors     ConfigError when stage_epochs or stage_fractions do not have M + 1 entries, are negative, or do not add
///            up to the run; for a run too short for its stages; when the order needs confidences and there are none,
///            or one is NaN.
/// Source     arXiv:2506.21514, SMP. Equal rho: declared order (ours). Equal fractions by default (ours).
/// Deviates   the authors' code compares per batch instead: see Batchwise.
/// Reference  g2d/reference/schedule/stages.hpp
template <suppression::SuppressionPolicy Suppression = suppression::Complete>
class Sequential {
 public:
  Sequential() = default;
  explicit Sequential(SequentialOptions options, Suppression suppression = Suppression())
      : options_(std::move(options)), suppression_(std::move(suppression)) {}

  [[nodiscard]] std::vector<Stage> stages(const Run& run) const {
    const auto modalities = run.names.size();
    const auto epochs = stage_epochs(run);
    const auto order = ordered(run);
    std::vector<Stage> stages;
    std::int64_t first = 0;
    for (std::size_t s = 0; s <= modalities; ++s) {
      const bool all = s == modalities;
      Stage stage{.name = all ? "all" : run.names[order[s]] + " alone",
                  .first_epoch = first,
                  .num_epochs = epochs[s],
                  .suppressed = PerModality<bool>(modalities, !all)};
      if (!all) stage.suppressed[order[s]] = false;
      first += epochs[s];
      stages.push_back(std::move(stage));
    }
    return stages;
  }

  [[nodiscard]] const Suppression& suppression() const { return suppression_; }
  [[nodiscard]] const SequentialOptions& options() const { return options_; }

 private:
  [[nodiscard]] PerModality<std::size_t> ordered(const Run& run) const {
    PerModality<std::size_t> order(run.names.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    switch (options_.order) {
      case Order::Declared:
        break;
      case Order::Random:
        shuffle(order);
        break;
      case Order::WeakFirst:
        order = confidence::weak_to_strong(checked_confidence(run));
        break;
      case Order::StrongFirst:
        order = confidence::strong_to_weak(checked_confidence(run));
        break;
    }
    return order;
  }

  static const PerModality<double>& checked_confidence(const Run& run) {
    confidence::check(run.names, run.confidence, "schedule::Sequential", "give teachers, or choose Order::Declared");
    return run.confidence;
  }

  /// Fisher-Yates by hand: std::shuffle differs between standard libraries.
  void shuffle(PerModality<std::size_t>& order) const {
    std::mt19937_64 random(options_.seed);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  }

  [[nodiscard]] std::vector<std::int64_t> stage_epochs(const Run& run) const {
    const auto stages = run.names.size() + 1;
    if (options_.stage_epochs.empty()) return from_fractions(run, stages);
    check_count(options_.stage_epochs.size(), run, "stage_epochs");
    const auto total = std::accumulate(options_.stage_epochs.begin(), options_.stage_epochs.end(), std::int64_t{0});
    if (std::any_of(options_.stage_epochs.begin(), options_.stage_epochs.end(), [](auto n) { return n < 0; }) ||
        total != run.num_epochs) {
      throw ConfigError(
          fmt::format("g2d: schedule::Sequential: expected stage_epochs >= 0 that add up to the run's {} epochs, got "
                      "[{}], which give {}",
                      run.num_epochs, fmt::join(options_.stage_epochs, ", "), total));
    }
    return options_.stage_epochs;
  }

  /// Boundaries are rounded, not lengths, so that the stages always add up to the run.
  [[nodiscard]] std::vector<std::int64_t> from_fractions(const Run& run, std::size_t stages) const {
    auto fractions = options_.stage_fractions;
    if (fractions.empty()) fractions.assign(stages, 1.0);
    check_count(fractions.size(), run, "stage_fractions");
    const double total = std::accumulate(fractions.begin(), fractions.end(), 0.0);
    if (std::any_of(fractions.begin(), fractions.end(), [](double f) { return !(f >= 0.0); }) || !(total > 0.0)) {
      throw ConfigError(
          fmt::format("g2d: schedule::Sequential: expected stage_fractions >= 0 with a positive sum, got [{}]",
                      fmt::join(fractions, ", ")));
    }
    std::vector<std::int64_t> epochs;
    double share = 0.0;
    std::int64_t begin = 0;
    for (const double fraction : fractions) {
      share += fraction / total;
      const auto end = std::min(run.num_epochs,
                                static_cast<std::int64_t>(std::llround(share * static_cast<double>(run.num_epochs))));
      epochs.push_back(end - begin);
      begin = end;
    }
    check_no_stage_is_lost(run, fractions, epochs);
    return epochs;
  }

  /// A stage that is asked for has an epoch. Those of a single modality are the same.
  static void check_no_stage_is_lost(const Run& run, const std::vector<double>& fractions,
                                     const std::vector<std::int64_t>& epochs) {
    for (std::size_t s = 0; s < epochs.size(); ++s) {
      if (run.names.size() == 1 || fractions[s] == 0.0 || epochs[s] > 0) continue;
      throw ConfigError(
          fmt::format("g2d: schedule::Sequential: expected at least one epoch for each of {} stages, got [{}] of a run "
                      "of {}; train "
                      "longer, or give stage_epochs, in which 0 leaves a stage out",
                      epochs.size() - static_cast<std::size_t>(std::count(fractions.begin(), fractions.end(), 0.0)),
                      fmt::join(epochs, ", "), run.num_epochs));
    }
  }

  static void check_count(std::size_t count, const Run& run, const char* setting) {
    if (count != run.names.size() + 1) {
      throw ConfigError(
          fmt::format("g2d: schedule::Sequential: expected {} with {} entries, one for each of ({}) alone, by default "
                      "the weakest first, and one for "
                      "all, got {}",
                      setting, run.names.size() + 1, run.names.joined(), count));
    }
  }

  SequentialOptions options_;
  Suppression suppression_;
};

static_assert(SchedulePolicy<Sequential<>>);

}  // namespace g2d::schedule
