// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <tuple>
#include <utility>

#include <g2d/method/concept.hpp>

namespace g2d::method {

/// Several policies as one: all hooks run in order, freezes OR, scales multiply.
///
///     Stack stack(Supervised(task), Distillation(...), Prioritization(schedule));
///
/// Errors     two policies that own the forward hook do not compile.
template <MethodPolicy... Policies>
class Stack {
 public:
  static_assert((0 + ... + static_cast<int>(detail::NamesForward<Policies>)) <= 1,
                "g2d: method::Stack: at most one policy may own the forward hook");

  explicit Stack(Policies... policies) : policies_(std::move(policies)...) {}

  void begin(const Setup& setup) {
    each([&](auto& policy) { detail::begin(policy, setup); });
  }
  void prepare(Run& run) {
    each([&](auto& policy) { detail::prepare(policy, run); });
  }
  void plan(std::int64_t epoch, Plan& plan) {
    each([&](auto& policy) { detail::plan(policy, epoch, plan); });
  }
  void control_batch(const StepContext& context, Controls& controls) {
    each([&](auto& policy) { detail::control_batch(policy, context, controls); });
  }
  void forward(const StepContext& context, Outputs& outputs)
    requires(detail::NamesForward<Policies> || ...)
  {
    each([&](auto& policy) { detail::forward(policy, context, outputs); });
  }
  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    each([&](auto& policy) { detail::loss(policy, context, outputs, terms); });
  }
  void gradients(const StepContext& context, const Outputs& outputs, GradientView& view) {
    each([&](auto& policy) { detail::gradients(policy, context, outputs, view); });
  }

  [[nodiscard]] Parameters parameters() const {
    Parameters all;
    each([&](const auto& policy) {
      auto own = detail::parameters(policy);
      all.insert(all.end(), own.begin(), own.end());
    });
    return all;
  }
  [[nodiscard]] Needs needs() const {
    return std::apply([](const auto&... policy) { return (Needs() | ... | detail::needs(policy)); }, policies_);
  }
  [[nodiscard]] bool prepares() const {
    return std::apply([](const auto&... policy) { return (detail::prepares(policy) || ...); }, policies_);
  }

  /// The policy at a position, to ask it what it decided.
  template <std::size_t position>
  [[nodiscard]] const auto& get() const {
    return std::get<position>(policies_);
  }

 private:
  template <class Visitor>
  void each(Visitor&& visit) {
    std::apply([&](auto&... policy) { (visit(policy), ...); }, policies_);
  }
  template <class Visitor>
  void each(Visitor&& visit) const {
    std::apply([&](const auto&... policy) { (visit(policy), ...); }, policies_);
  }

  std::tuple<Policies...> policies_;
};

}  // namespace g2d::method
