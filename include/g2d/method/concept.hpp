// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

#include <g2d/core/parameter.hpp>
#include <g2d/method/context.hpp>
#include <g2d/method/control.hpp>
#include <g2d/method/gradient_view.hpp>
#include <g2d/method/needs.hpp>
#include <g2d/method/outputs.hpp>
#include <g2d/method/plan.hpp>
#include <g2d/method/run.hpp>
#include <g2d/method/term.hpp>

/// Methods: what is added to plain training, as policies on hooks. All hooks are optional; an absent one is skipped at
/// compile time. What a method changes at inference is no hook but a fusion, so that a trained student needs nothing of
/// its method.
///
/// | hook | when | what for |
/// |---|---|---|
/// | `void begin(const Setup&)` | before a run | check, rank, allocate, forget the run before |
/// | `void prepare(Run&)` | before an epoch, by the trainer | look at data, run trials |
/// | `void plan(std::int64_t epoch, Plan&)` | then | who is frozen or scaled in it, on which samples |
/// | `void control_batch(const StepContext&, Controls&)` | before a forward pass | the same, by the batch |
/// | `void forward(const StepContext&, Outputs&)` | after the forward pass | perturb features, fuse again |
/// | `void loss(const StepContext&, const Outputs&, Terms&)` | then | terms of the loss |
/// | `void gradients(const StepContext&, const Outputs&, GradientView&)` | after the backward pass | modulation |
///
/// `Parameters parameters() const` is asked behind `begin`. One policy of a stack owns `forward`. A policy that freezes
/// norm statistics batch by batch plans `Control::may_freeze`.
///
/// `static constexpr Needs needs{.unimodal = true}`, or `Needs needs() const` where it depends on settings, asks for
/// what a step does not give everybody; see `Needs`. Asked before `begin` for teachers, and anew in each step. A policy
/// with the hook `prepare` is for trainers alone, unless `bool prepares() const` says that it does not look at data. A
/// member with a hook's name and another shape does not compile; hooks are plain members, neither templates nor
/// overloaded. Policies are composed by `Stack`; `Any` holds one of them.
namespace g2d::method {

namespace detail {

// Each hook is found by its name, so that a wrong signature is an error instead of a hook that is never called.
template <class Policy>
concept NamesBegin = requires { &Policy::begin; };
template <class Policy>
concept NamesPrepare = requires { &Policy::prepare; };
template <class Policy>
concept NamesPlan = requires { &Policy::plan; };
template <class Policy>
concept NamesControlBatch = requires { &Policy::control_batch; };
template <class Policy>
concept NamesForward = requires { &Policy::forward; };
template <class Policy>
concept NamesLoss = requires { &Policy::loss; };
template <class Policy>
concept NamesGradients = requires { &Policy::gradients; };

template <class Policy>
concept NamesNeeds = requires { &Policy::needs; };
template <class Policy>
concept HoldsNeeds = std::same_as<std::remove_cvref_t<decltype(Policy::needs)>, Needs>;
template <class Policy>
concept ReturnsNeeds = requires(const Policy& policy) {
  { policy.needs() } -> std::same_as<Needs>;
};
/// As before there was `Needs`; not hearing it would drop what the policy asks for.
template <class Policy>
concept StatesNeedsOneByOne = requires { &Policy::needs_unimodal; } || requires { &Policy::needs_teachers; } ||
                              requires { &Policy::needs_teacher_logits; } ||
                              requires { &Policy::needs_separate_gradients; } || requires { &Policy::needs_inputs; };

template <class Policy>
void begin(Policy& policy, const Setup& setup) {
  if constexpr (NamesBegin<Policy>) {
    static_assert(std::invocable<decltype(&Policy::begin), Policy&, const Setup&>,
                  "g2d: the hook begin must be callable as void begin(const g2d::method::Setup&)");
    policy.begin(setup);
  }
}

template <class Policy>
void prepare(Policy& policy, Run& run) {
  if constexpr (NamesPrepare<Policy>) {
    static_assert(std::invocable<decltype(&Policy::prepare), Policy&, Run&>,
                  "g2d: the hook prepare must be callable as void prepare(g2d::method::Run&)");
    policy.prepare(run);
  }
}

template <class Policy>
void plan(Policy& policy, std::int64_t epoch, Plan& plan) {
  if constexpr (NamesPlan<Policy>) {
    static_assert(std::invocable<decltype(&Policy::plan), Policy&, std::int64_t, Plan&>,
                  "g2d: the hook plan must be callable as void plan(std::int64_t epoch, g2d::method::Plan&)");
    policy.plan(epoch, plan);
  }
}

template <class Policy>
void control_batch(Policy& policy, const StepContext& context, Controls& controls) {
  if constexpr (NamesControlBatch<Policy>) {
    static_assert(std::invocable<decltype(&Policy::control_batch), Policy&, const StepContext&, Controls&>,
                  "g2d: the hook control_batch must be callable as void control_batch(const g2d::method::StepContext&, "
                  "g2d::method::Controls&)");
    policy.control_batch(context, controls);
  }
}

template <class Policy>
void forward(Policy& policy, const StepContext& context, Outputs& outputs) {
  if constexpr (NamesForward<Policy>) {
    static_assert(std::invocable<decltype(&Policy::forward), Policy&, const StepContext&, Outputs&>,
                  "g2d: the hook forward must be callable as void forward(const g2d::method::StepContext&, "
                  "g2d::method::Outputs&)");
    policy.forward(context, outputs);
  }
}

template <class Policy>
void loss(Policy& policy, const StepContext& context, const Outputs& outputs, Terms& terms) {
  if constexpr (NamesLoss<Policy>) {
    static_assert(std::invocable<decltype(&Policy::loss), Policy&, const StepContext&, const Outputs&, Terms&>,
                  "g2d: the hook loss must be callable as void loss(const g2d::method::StepContext&, const "
                  "g2d::method::Outputs&, g2d::method::Terms&)");
    policy.loss(context, outputs, terms);
  }
}

template <class Policy>
void gradients(Policy& policy, const StepContext& context, const Outputs& outputs, GradientView& view) {
  if constexpr (NamesGradients<Policy>) {
    static_assert(
        std::invocable<decltype(&Policy::gradients), Policy&, const StepContext&, const Outputs&, GradientView&>,
        "g2d: the hook gradients must be callable as void gradients(const g2d::method::StepContext&, const "
        "g2d::method::Outputs&, g2d::method::GradientView&)");
    policy.gradients(context, outputs, view);
  }
}

template <class Policy>
[[nodiscard]] Parameters parameters(const Policy& policy) {
  if constexpr (requires { policy.parameters(); }) {
    return policy.parameters();
  } else {
    return {};
  }
}

/// What a policy says in its member `needs`, a value or a function.
template <class Policy>
[[nodiscard]] Needs needs(const Policy& policy) {
  static_assert(
      !StatesNeedsOneByOne<Policy>,
      "g2d: a method states its needs in one member, `static constexpr g2d::method::Needs needs{.unimodal = true}` or "
      "`g2d::method::Needs needs() const`, where needs_teachers is .teachers and, to hear the logits of each, "
      ".teacher_logits");
  Needs needs;
  if constexpr (NamesNeeds<Policy>) {
    static_assert(
        HoldsNeeds<Policy> || ReturnsNeeds<Policy>,
        "g2d: the member needs must be a g2d::method::Needs, or callable as g2d::method::Needs needs() const");
    if constexpr (ReturnsNeeds<Policy>) {
      needs = policy.needs();
    } else {
      needs = policy.needs;
    }
  }
  needs.teachers = needs.teachers || needs.teacher_logits;
  return needs;
}

/// The policy looks at data between epochs, so that only a trainer can run it. Not one of its needs, for the hook tells
/// by being there.
template <class Policy>
[[nodiscard]] bool prepares(const Policy& policy) {
  if constexpr (requires { policy.prepares(); }) {
    return policy.prepares();
  } else {
    return NamesPrepare<Policy>;
  }
}

}  // namespace detail

/// A class with at least one hook.
template <class Policy>
concept MethodPolicy = detail::NamesBegin<Policy> || detail::NamesPrepare<Policy> || detail::NamesPlan<Policy> ||
                       detail::NamesControlBatch<Policy> || detail::NamesForward<Policy> || detail::NamesLoss<Policy> ||
                       detail::NamesGradients<Policy>;

}  // namespace g2d::method
