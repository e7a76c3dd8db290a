// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstdint>
#include <optional>

#include <g2d/core/output_kind.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/shared_log_softmax.hpp>
#include <g2d/core/teacher_outputs.hpp>

/// Distillation: how far the student is from the teacher, for features or for predictions.
///
/// | policy | formula (mean over the batch) | features | predictions |
/// |---|---|---|---|
/// | `None`        | nothing, and nothing is computed | yes | yes |
/// | `Mse`         | mean square over all elements | the default | yes |
/// | `Cosine`      | 1 - cos | yes | 2 outputs or more |
/// | `Kl`          | KL(teacher \|\| student) of softmax, tau^2 | no | classification: the default |
/// | `BernoulliKl` | the same, label by label | no | multi-label |
///
/// KL of regression values is refused at compile time: values are no distribution. A policy is a plain class:
///
///     struct Mine {
///       at::Tensor operator()(const at::Tensor& student, const at::Tensor& teacher) const;  // scalar, mean over the
///       batch
///       at::Tensor per_sample(const at::Tensor& student, const at::Tensor& teacher) const;  // [B], with the same mean
///     };
///
/// Optional: `static constexpr bool admits(g2d::OutputKind)` (default: every kind), `static constexpr std::int64_t
/// min_outputs` (default 1), `static constexpr bool for_features` (default true), and `mean_to_each`, as in `Kl`, where
/// comparing one student with several teachers at once costs less than one after the other; `mean_over_teachers` and
/// `mean_temperature`, as in `Kl`, where their mean can stand for them.
namespace g2d::distillation {

namespace detail {

template <class Distillation>
concept ComparesBatches =
    requires(const Distillation& distillation, const at::Tensor& student, const at::Tensor& teacher) {
      { distillation(student, teacher) } -> std::same_as<at::Tensor>;
    };

template <class Distillation>
concept ComparesSamples =
    requires(const Distillation& distillation, const at::Tensor& student, const at::Tensor& teacher) {
      { distillation.per_sample(student, teacher) } -> std::same_as<at::Tensor>;
    };

}  // namespace detail

template <class Distillation>
concept DistillationPolicy = detail::ComparesBatches<Distillation> && detail::ComparesSamples<Distillation>;

/// A formula with a way of its own to compare one student with several teachers; see `distillation::mean_to_each`.
template <class Distillation>
concept ComparesWithEach = requires(const Distillation& distillation, const at::Tensor& student,
                                    ModalitySpan<at::Tensor> teachers, const SharedLogSoftmax& shared) {
  {
    distillation.mean_to_each(student, teachers, /*present=*/teachers, shared)
  } -> std::same_as<PerModality<at::Tensor>>;
};

/// A formula by which several teachers act as their mean; see `Kl::mean_over_teachers`.
template <class Distillation>
concept ComparesWithMean = requires(const Distillation& distillation, const at::Tensor& student,
                                    const MeanTeacher& mean, const SharedLogSoftmax& shared) {
  { distillation.mean_over_teachers(student, mean, shared) } -> std::same_as<at::Tensor>;
  { distillation.mean_temperature() } -> std::convertible_to<std::optional<double>>;
};

/// The temperature at which several teachers act as their mean; nothing where a formula knows no mean.
template <class Distillation>
[[nodiscard]] std::optional<double> mean_temperature(const Distillation& distillation) {
  if constexpr (ComparesWithMean<Distillation>) {
    return distillation.mean_temperature();
  } else {
    return std::nullopt;
  }
}

/// Whether the formula makes sense for predictions of this kind.
template <class Distillation, OutputKind kind>
inline constexpr bool admits_v = [] {
  if constexpr (requires { Distillation::admits(kind); }) {
    return Distillation::admits(kind);
  } else {
    return true;
  }
}();

/// Whether the formula makes sense for features.
template <class Distillation>
inline constexpr bool for_features_v = [] {
  if constexpr (requires { Distillation::for_features; }) {
    return static_cast<bool>(Distillation::for_features);
  } else {
    return true;
  }
}();

/// The fewest columns that the formula can compare.
template <class Distillation>
inline constexpr std::int64_t min_outputs_v = [] {
  if constexpr (requires { Distillation::min_outputs; }) {
    return static_cast<std::int64_t>(Distillation::min_outputs);
  } else {
    return std::int64_t{1};
  }
}();

/// False for a policy that adds nothing, so that nothing is computed for it.
template <class Distillation>
[[nodiscard]] constexpr bool is_enabled(const Distillation& distillation) {
  if constexpr (requires { distillation.enabled(); }) {
    return distillation.enabled();
  } else {
    return true;
  }
}

}  // namespace g2d::distillation
