// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/schedule/concept.hpp>
#include <g2d/suppression/zeroed_gradients.hpp>

namespace g2d::schedule {

struct BatchwiseOptions {
  std::int64_t first_epoch = 0;                                        ///< First epoch of the window.
  std::int64_t last_epoch = std::numeric_limits<std::int64_t>::max();  ///< Last epoch of the window, inclusive.
};

/// Batchwise prioritization: in every batch the modality whose teacher is surest is suppressed.
///
///     S_m = mean over the batch of the teacher's confidence;  suppressed_m = [S_m > S_j for every j != m]
///
/// The mean is over the samples that have the modality, as the batch tells, or `TeacherOutputs::present` where batch
/// and confidences are on two devices. A modality that no sample has counts as the mean of the others.
///
/// Use when   the authors' published runs are to be repeated. A tie suppresses nothing.
/// Cost       one comparison of M host numbers a step, read from precomputed teachers; no sync.
/// Errors     ConfigError for an empty window, or one that begins after the run; at `Prioritization::begin`, with
///            suppression that scales gradients and norm statistics other than Tracked, for who is suppressed is known
///            on the device alone; with Complete suppression, at the step, when the teachers' confidences are not at
///            hand on the host.
/// Source     the authors' published code: window 0 to 150 of 300 epochs.
/// Deviates   a mean, where the code sums: of whole samples the order is the same. Ties: the authors' code stops with
///            an error. More than two modalities: ours.
template <suppression::SuppressionPolicy Suppression = suppression::ZeroedGradients>
class Batchwise {
 public:
  Batchwise() = default;
  explicit Batchwise(BatchwiseOptions options, Suppression suppression = Suppression())
      : options_(options), suppression_(std::move(suppression)) {
    if (options_.first_epoch < 0 || options_.last_epoch < options_.first_epoch) {
      throw ConfigError(fmt::format("g2d: schedule::Batchwise: expected 0 <= first_epoch <= last_epoch, got {} and {}",
                                    options_.first_epoch, options_.last_epoch));
    }
  }

  [[nodiscard]] std::vector<Stage> stages(const Run& run) const {
    const auto begin = options_.first_epoch;
    if (begin >= run.num_epochs) {
      throw ConfigError(fmt::format(
          "g2d: schedule::Batchwise: expected first_epoch within the run's {} epochs, got {}; train longer, "
          "or begin earlier",
          run.num_epochs, begin));
    }
    const auto end = options_.last_epoch >= run.num_epochs ? run.num_epochs : options_.last_epoch + 1;
    const PerModality<bool> none(run.names.size(), false);
    return {{"all", 0, begin, none, false},
            {"batch by batch", begin, end - begin, none, true},
            {"all", end, run.num_epochs - end, none, false}};
  }

  [[nodiscard]] const Suppression& suppression() const { return suppression_; }
  [[nodiscard]] const BatchwiseOptions& options() const { return options_; }

 private:
  BatchwiseOptions options_;
  Suppression suppression_;
};

static_assert(SchedulePolicy<Batchwise<>>);

}  // namespace g2d::schedule
