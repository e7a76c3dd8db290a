// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/parameter_group.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/optimizer/settings.hpp>

namespace g2d::optimizer {

/// Updates parameter groups with ATen's fused kernels: one call for all active groups of one learning rate. On a CPU
/// these copy tensors that are not contiguous, and are wrong where a gradient has another layout than its parameter;
/// they are handed the numbers in a row, as they lie in memory, and gradients in the parameter's layout.
///
/// A parameter without a gradient is not touched, nor is its state: that is what freezing rests on. With `found_inf`
/// set to 1 (0-dim float, on the parameters' device) the kernels change nothing, and nobody waits for the device to
/// know.
///
/// Dtype      floating; state in the parameters' dtype and on their device.
/// Cost       one pass over the active parameters and their state. State is made at a parameter's first update.
/// Errors     ConfigError for settings out of range, for a learning-rate factor that is negative or no number, and for
///            a parameter with gaps in memory or with elements in common.
class Optimizer {
 public:
  Optimizer(Settings settings, std::span<const ParameterGroup> groups) : settings_(settings) {
    std::visit([](const auto& chosen) { check(chosen); }, settings_);
    for (const auto& group : groups) {
      State state;
      for (const auto& parameter : group.parameters) {
        check(parameter, group.name);
        state.parameters.push_back({parameter, {}, {}, {}});
      }
      state.name = group.name;
      state.learning_rate_factor = checked(group.learning_rate_factor, state.name);
      states_.push_back(std::move(state));
    }
  }

  /// Multiplies every learning rate: what a learning-rate schedule sets.
  void set_learning_rate_factor(double factor) { schedule_factor_ = checked(factor, "all"); }
  [[nodiscard]] double learning_rate() const {
    return schedule_factor_ * std::visit([](const auto& chosen) { return chosen.learning_rate; }, settings_);
  }

  /// Multiplies the learning rate of one group, on top of the group's own factor: what a method plans.
  void set_group_factor(std::size_t group, double factor) {
    states_[group].planned_factor = checked(factor, states_[group].name);
  }

  /// Momenta, moments and step counts of all parameters.
  struct Memory;
  /// Forgets everything and gives it back, to be put back by `restore`.
  [[nodiscard]] Memory exchange_memory();
  void restore(Memory memory);

  /// One update of all parameters that have a gradient.
  void update(const at::Tensor& found_inf) {
    at::NoGradGuard no_grad;
    for (std::size_t g = 0; g < states_.size();) {
      const double factor = states_[g].factor();
      clear();
      for (; g < states_.size() && states_[g].factor() == factor; ++g) gather(states_[g]);
      if (!values_.empty()) {
        std::visit(
            [&](const auto& chosen) { apply(chosen, chosen.learning_rate * factor * schedule_factor_, found_inf); },
            settings_);
      }
    }
    clear();
  }

  /// Clears all gradients; set to none, so that a frozen parameter is told from one with a zero gradient.
  void clear_gradients() {
    for (auto& state : states_) {
      for (auto& slot : state.parameters) slot.value.mutable_grad().reset();
    }
  }

 private:
  struct Slot {
    at::Tensor value;
    at::Tensor first;   ///< Momentum buffer, or Adam's first moment.
    at::Tensor second;  ///< Adam's second moment.
    at::Tensor step;    ///< Adam's step count, 0-dim float.
  };
  struct State {
    std::string name;
    std::vector<Slot> parameters;
    double learning_rate_factor = 1.0;
    double planned_factor = 1.0;

    [[nodiscard]] double factor() const { return learning_rate_factor * planned_factor; }
  };

  static void check(const at::Tensor& parameter, const std::string& group) {
    if (parameter.is_non_overlapping_and_dense()) return;
    throw ConfigError(fmt::format(
        "g2d: optimizer: group \"{}\": expected parameters that fill a piece of memory, got one of shape {} with "
        "strides {}; make it contiguous()",
        group, to_string(parameter.sizes()), to_string(parameter.strides())));
  }
  static double checked(double factor, const std::string& group) {
    if (factor >= 0.0 && std::isfinite(factor)) return factor;
    throw ConfigError(fmt::format("g2d: optimizer: group \"{}\": expected a finite learning-rate factor >= 0, got {}",
                                  group, factor));
  }
  static void check_rate(double learning_rate, double weight_decay) {
    if (!(learning_rate > 0.0))
      throw ConfigError(fmt::format("g2d: optimizer: expected learning_rate > 0, got {}", learning_rate));
    if (!(weight_decay >= 0.0))
      throw ConfigError(fmt::format("g2d: optimizer: expected weight_decay >= 0, got {}", weight_decay));
  }
  static void check(const Sgd& sgd) {
    check_rate(sgd.learning_rate, sgd.weight_decay);
    if (!(sgd.momentum >= 0.0 && sgd.momentum < 1.0)) {
      throw ConfigError(fmt::format("g2d: optimizer::Sgd: expected momentum in [0, 1), got {}", sgd.momentum));
    }
    if (sgd.nesterov && sgd.momentum == 0.0)
      throw ConfigError("g2d: optimizer::Sgd: expected momentum > 0 with nesterov, got 0");
  }
  template <class AnyAdam>
  static void check(const AnyAdam& adam) {
    check_rate(adam.learning_rate, adam.weight_decay);
    if (!(adam.beta1 >= 0.0 && adam.beta1 < 1.0 && adam.beta2 >= 0.0 && adam.beta2 < 1.0)) {
      throw ConfigError(
          fmt::format("g2d: optimizer::Adam: expected betas in [0, 1), got {} and {}", adam.beta1, adam.beta2));
    }
  }

  void clear() {
    values_.clear();
    gradients_.clear();
    first_.clear();
    second_.clear();
    steps_.clear();
  }

  void gather(State& state) {
    const bool is_sgd = std::holds_alternative<Sgd>(settings_);
    const bool has_momentum = !is_sgd || std::get<Sgd>(settings_).momentum != 0.0;
    for (auto& slot : state.parameters) {
      if (!slot.value.grad().defined()) continue;
      // A zero buffer gives the same first step as no buffer, for there is no dampening.
      if (has_momentum && !slot.first.defined()) slot.first = at::zeros_like(slot.value);
      if (!is_sgd && !slot.second.defined()) {
        slot.second = at::zeros_like(slot.value);
        slot.step = at::zeros({}, slot.value.options().dtype(at::kFloat));
      }
      for (auto* memory : {&slot.first, &slot.second}) *memory = laid_out_as(slot.value, *memory);
      add(values_, slot.value);
      add(gradients_, laid_out_as(slot.value, slot.value.grad()));
      add(first_, slot.first);
      add(second_, slot.second);
      if (slot.step.defined()) steps_.push_back(slot.step);
    }
  }

  /// The same tensor where it has the parameter's layout.
  [[nodiscard]] static at::Tensor laid_out_as(const at::Tensor& parameter, const at::Tensor& tensor) {
    if (!tensor.defined() || tensor.strides() == parameter.strides()) return tensor;
    return at::empty_like(parameter).copy_(tensor);
  }

  static void add(std::vector<at::Tensor>& list, const at::Tensor& tensor) {
    if (tensor.defined()) list.push_back(tensor.is_contiguous() ? tensor : tensor.as_strided({tensor.numel()}, {1}));
  }

  void apply(const Sgd& sgd, double learning_rate, const at::Tensor& found_inf) {
    at::_fused_sgd_(values_, gradients_, first_, sgd.weight_decay, sgd.momentum, learning_rate, /*dampening=*/0.0,
                    sgd.nesterov, /*maximize=*/false, /*is_first_step=*/false, {}, optional(found_inf));
  }
  void apply(const Adam& adam, double learning_rate, const at::Tensor& found_inf) {
    count_steps(found_inf);
    at::_fused_adam_(values_, gradients_, first_, second_, {}, steps_, learning_rate, adam.beta1, adam.beta2,
                     adam.weight_decay, adam.epsilon, /*amsgrad=*/false, /*maximize=*/false, {}, optional(found_inf));
  }
  void apply(const AdamW& adam, double learning_rate, const at::Tensor& found_inf) {
    count_steps(found_inf);
    at::_fused_adamw_(values_, gradients_, first_, second_, {}, steps_, learning_rate, adam.beta1, adam.beta2,
                      adam.weight_decay, adam.epsilon, /*amsgrad=*/false, /*maximize=*/false, {}, optional(found_inf));
  }

  /// A step that is skipped is not counted.
  void count_steps(const at::Tensor& found_inf) {
    at::_foreach_add_(steps_, 1);
    if (found_inf.defined()) at::_foreach_sub_(steps_, std::vector<at::Tensor>(steps_.size(), found_inf));
  }

  [[nodiscard]] static std::optional<at::Tensor> optional(const at::Tensor& tensor) {
    return tensor.defined() ? std::optional(tensor) : std::nullopt;
  }

  Settings settings_;
  double schedule_factor_ = 1.0;
  std::vector<State> states_;
  // The lists of one call, kept to keep their memory.
  std::vector<at::Tensor> values_, gradients_, first_, second_, steps_;
};

struct Optimizer::Memory {
  std::vector<State> states;
};

inline Optimizer::Memory Optimizer::exchange_memory() {
  Memory memory{states_};
  for (auto& state : states_) {
    for (auto& slot : state.parameters) slot = {slot.value, {}, {}, {}};
  }
  return memory;
}

inline void Optimizer::restore(Memory memory) { states_ = std::move(memory.states); }

}  // namespace g2d::optimizer
