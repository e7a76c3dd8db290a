// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/method/concept.hpp>

namespace g2d::method {

struct Epochs {
  std::int64_t first = 0;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();  ///< Inclusive.
};

/// A policy that acts in some epochs only: outside the window all its hooks but `begin` are skipped.
///
/// Errors     ConfigError for an empty window; at `begin`, for one that begins after the run.
template <MethodPolicy Policy>
class Window {
 public:
  Window(Policy policy, Epochs epochs) : policy_(std::move(policy)), epochs_(epochs) {
    if (epochs_.first < 0 || epochs_.last < epochs_.first) {
      throw ConfigError(
          fmt::format("g2d: method::Window: expected 0 <= first <= last, got {} and {}", epochs_.first, epochs_.last));
    }
  }

  void begin(const Setup& setup) {
    if (epochs_.first >= setup.num_epochs) {
      throw ConfigError(
          fmt::format("g2d: method::Window: expected first within the run's {} epochs, got {}; train longer, or begin "
                      "earlier",
                      setup.num_epochs, epochs_.first));
    }
    detail::begin(policy_, setup);
  }
  void prepare(Run& run) {
    if (contains(run.epoch())) detail::prepare(policy_, run);
  }
  void plan(std::int64_t epoch, Plan& plan) {
    if (contains(epoch)) detail::plan(policy_, epoch, plan);
  }
  void control_batch(const StepContext& context, Controls& controls) {
    if (contains(context.epoch)) detail::control_batch(policy_, context, controls);
  }
  void forward(const StepContext& context, Outputs& outputs)
    requires detail::NamesForward<Policy>
  {
    if (contains(context.epoch)) detail::forward(policy_, context, outputs);
  }
  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    if (contains(context.epoch)) detail::loss(policy_, context, outputs, terms);
  }
  void gradients(const StepContext& context, const Outputs& outputs, GradientView& view) {
    if (contains(context.epoch)) detail::gradients(policy_, context, outputs, view);
  }
  [[nodiscard]] Parameters parameters() const { return detail::parameters(policy_); }
  [[nodiscard]] Needs needs() const { return detail::needs(policy_); }
  [[nodiscard]] bool prepares() const { return detail::prepares(policy_); }

 private:
  [[nodiscard]] bool contains(std::int64_t epoch) const { return epoch >= epochs_.first && epoch <= epochs_.last; }

  Policy policy_;
  Epochs epochs_;
};

}  // namespace g2d::method
