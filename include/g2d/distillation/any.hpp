// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/shared_log_softmax.hpp>
#include <g2d/core/teacher_outputs.hpp>
#include <g2d/distillation/bernoulli_kl.hpp>
#include <g2d/distillation/concept.hpp>
#include <g2d/distillation/cosine.hpp>
#include <g2d/distillation/kl.hpp>
#include <g2d/distillation/mean_to_each.hpp>
#include <g2d/distillation/mse.hpp>
#include <g2d/distillation/none.hpp>

namespace g2d::distillation {

/// A distillation formula chosen at run time: holds any DistillationPolicy, shipped or the user's own.
///
/// Use when   a command line or a table of experiments picks the formula. One indirect call a term and step, or one for
///            all terms.
/// Errors     those of the policy held.
class Any {
 public:
  template <class Distillation>
    requires(!std::same_as<Distillation, Any>) && DistillationPolicy<Distillation>
  Any(Distillation distillation)  // NOLINT(google-explicit-constructor): a policy is an Any
      : enabled_(is_enabled(distillation)),
        for_features_(for_features_v<Distillation>),
        min_outputs_(min_outputs_v<Distillation>),
        admitted_{admits_v<Distillation, OutputKind::Classes>, admits_v<Distillation, OutputKind::Labels>,
                  admits_v<Distillation, OutputKind::Values>},
        batch_([distillation](const at::Tensor& s, const at::Tensor& t) { return distillation(s, t); }),
        samples_([distillation](const at::Tensor& s, const at::Tensor& t) { return distillation.per_sample(s, t); }),
        each_([distillation](const at::Tensor& s, ModalitySpan<at::Tensor> t, ModalitySpan<at::Tensor> present,
                             const SharedLogSoftmax& shared) {
          return g2d::distillation::mean_to_each(distillation, s, t, present, shared);
        }),
        mean_temperature_(g2d::distillation::mean_temperature(distillation)) {
    if constexpr (ComparesWithMean<Distillation>) {
      over_teachers_ = [distillation](const at::Tensor& s, const MeanTeacher& mean, const SharedLogSoftmax& shared) {
        return distillation.mean_over_teachers(s, mean, shared);
      };
    }
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& student, const at::Tensor& teacher) const {
    return batch_(student, teacher);
  }
  [[nodiscard]] at::Tensor per_sample(const at::Tensor& student, const at::Tensor& teacher) const {
    return samples_(student, teacher);
  }
  [[nodiscard]] PerModality<at::Tensor> mean_to_each(const at::Tensor& student, ModalitySpan<at::Tensor> teachers,
                                                     ModalitySpan<at::Tensor> present,
                                                     const SharedLogSoftmax& shared = {}) const {
    return each_(student, teachers, present, shared);
  }

  /// Only where `mean_temperature` is something.
  [[nodiscard]] at::Tensor mean_over_teachers(const at::Tensor& student, const MeanTeacher& mean,
                                              const SharedLogSoftmax& shared) const {
    return over_teachers_(student, mean, shared);
  }

  [[nodiscard]] bool enabled() const { return enabled_; }
  [[nodiscard]] std::optional<double> mean_temperature() const { return mean_temperature_; }
  [[nodiscard]] bool held_for_features() const { return for_features_; }
  [[nodiscard]] std::int64_t held_min_outputs() const { return min_outputs_; }
  [[nodiscard]] bool held_admits(OutputKind kind) const { return admitted_[static_cast<std::size_t>(kind)]; }

 private:
  using Formula = std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>;
  using FormulaToEach = std::function<PerModality<at::Tensor>(const at::Tensor&, ModalitySpan<at::Tensor>,
                                                              ModalitySpan<at::Tensor>, const SharedLogSoftmax&)>;
  using FormulaOverTeachers = std::function<at::Tensor(const at::Tensor&, const MeanTeacher&, const SharedLogSoftmax&)>;

  bool enabled_;
  bool for_features_;
  std::int64_t min_outputs_;
  std::array<bool, 3> admitted_;
  Formula batch_;
  Formula samples_;
  FormulaToEach each_;
  std::optional<double> mean_temperature_;
  FormulaOverTeachers over_teachers_;
};

static_assert(DistillationPolicy<Any>);

inline constexpr std::array<std::string_view, 5> choices{"none", "mse", "cosine", "kl", "bernoulli-kl"};

/// The shipped policy of that name. Errors: ConfigError listing the names.
[[nodiscard]] inline Any make(std::string_view name, KlOptions options = {}) {
  if (name == "none") return None{};
  if (name == "mse") return Mse{};
  if (name == "cosine") return Cosine{};
  if (name == "kl") return Kl{options};
  if (name == "bernoulli-kl") return BernoulliKl{options};
  throw ConfigError(fmt::format("g2d: distillation: expected one of [{}], got \"{}\"", fmt::join(choices, ", "), name));
}

/// The shipped policy that fits predictions of this kind best, by its name.
[[nodiscard]] constexpr std::string_view default_choice(OutputKind kind) {
  switch (kind) {
    case OutputKind::Classes:
      return "kl";
    case OutputKind::Labels:
      return "bernoulli-kl";
    case OutputKind::Values:
      break;
  }
  return "mse";
}

/// Throws ConfigError when a policy cannot compare predictions of this kind and width: what `static_assert` cannot see.
template <DistillationPolicy Distillation>
void check_for_predictions(const Distillation& distillation, OutputKind kind, std::int64_t num_outputs) {
  bool admitted = true;
  std::int64_t least = 1;
  if constexpr (std::same_as<Distillation, Any>) {
    admitted = distillation.held_admits(kind);
    least = distillation.held_min_outputs();
  } else {
    least = min_outputs_v<Distillation>;
  }
  if (!admitted) {
    throw ConfigError(
        fmt::format("g2d: distillation: this formula cannot compare the predictions of a {} task; choose {}",
                    to_string(kind), default_choice(kind)));
  }
  if (num_outputs < least) {
    throw ConfigError(fmt::format(
        "g2d: distillation: expected at least {} outputs for this formula, got {}; choose mse", least, num_outputs));
  }
}

/// Throws ConfigError when a run-time policy is for predictions only.
template <DistillationPolicy Distillation>
void check_for_features(const Distillation& distillation) {
  if constexpr (std::same_as<Distillation, Any>) {
    if (!distillation.held_for_features()) {
      throw ConfigError("g2d: distillation: kl compares distributions, features are none; choose mse or cosine");
    }
  }
}

}  // namespace g2d::distillation
