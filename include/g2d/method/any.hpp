// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <utility>

#include <g2d/method/concept.hpp>

namespace g2d::method {

/// A method chosen at run time: holds any MethodPolicy, shipped or the user's own.
///
/// Use when   a command line or a table of experiments picks the method. A few virtual calls a step.
/// Errors     those of the method held.
class Any {
 public:
  template <class Method>
    requires(!std::same_as<Method, Any>) && MethodPolicy<Method>
  Any(Method method)  // NOLINT(google-explicit-constructor): a method is an Any
      : held_(std::make_unique<Model<Method>>(std::move(method))) {}

  void begin(const Setup& setup) { held_->begin(setup); }
  void prepare(Run& run) { held_->prepare(run); }
  void plan(std::int64_t epoch, Plan& plan) { held_->plan(epoch, plan); }
  void control_batch(const StepContext& context, Controls& controls) { held_->control_batch(context, controls); }
  void forward(const StepContext& context, Outputs& outputs) { held_->forward(context, outputs); }
  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) { held_->loss(context, outputs, terms); }
  void gradients(const StepContext& context, const Outputs& outputs, GradientView& view) {
    held_->gradients(context, outputs, view);
  }
  [[nodiscard]] Parameters parameters() const { return held_->parameters(); }
  [[nodiscard]] Needs needs() const { return held_->needs(); }
  [[nodiscard]] bool prepares() const { return held_->prepares(); }

 private:
  struct Interface {
    Interface() = default;
    Interface(const Interface&) = delete;
    Interface& operator=(const Interface&) = delete;
    virtual ~Interface() = default;
    virtual void begin(const Setup& setup) = 0;
    virtual void prepare(Run& run) = 0;
    virtual void plan(std::int64_t epoch, Plan& plan) = 0;
    virtual void control_batch(const StepContext& context, Controls& controls) = 0;
    virtual void forward(const StepContext& context, Outputs& outputs) = 0;
    virtual void loss(const StepContext& context, const Outputs& outputs, Terms& terms) = 0;
    virtual void gradients(const StepContext& context, const Outputs& outputs, GradientView& view) = 0;
    virtual Parameters parameters() const = 0;
    virtual Needs needs() const = 0;
    virtual bool prepares() const = 0;
  };

  template <MethodPolicy Method>
  struct Model final : Interface {
    explicit Model(Method method_) : method(std::move(method_)) {}

    void begin(const Setup& setup) override { detail::begin(method, setup); }
    void prepare(Run& run) override { detail::prepare(method, run); }
    void plan(std::int64_t epoch, Plan& plan) override { detail::plan(method, epoch, plan); }
    void control_batch(const StepContext& context, Controls& controls) override {
      detail::control_batch(method, context, controls);
    }
    void forward(const StepContext& context, Outputs& outputs) override { detail::forward(method, context, outputs); }
    void loss(const StepContext& context, const Outputs& outputs, Terms& terms) override {
      detail::loss(method, context, outputs, terms);
    }
    void gradients(const StepContext& context, const Outputs& outputs, GradientView& view) override {
      detail::gradients(method, context, outputs, view);
    }
    Parameters parameters() const override { return detail::parameters(method); }
    Needs needs() const override { return detail::needs(method); }
    bool prepares() const override { return detail::prepares(method); }

    Method method;
  };

  std::unique_ptr<Interface> held_;
};

}  // namespace g2d::method
