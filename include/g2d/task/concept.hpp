// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstdint>

#include <g2d/core/output_kind.hpp>

/// Tasks: the supervised loss, the target's check, and what "confident" means.
///
/// | policy | target | loss | confidence of a sample |
/// |---|---|---|---|
/// | `Classification` | int64 [B] | cross-entropy | probability of the true class |
/// | `Regression`     | [B, C] | mean squared error | exp(-MSE_i / (2 sigma^2)) |
/// | `MultiLabel`     | [B, C] of 0 and 1 | binary cross-entropy | mean probability of the true bits |
///
/// A task is a plain class:
///
///     struct Mine {
///       static constexpr g2d::OutputKind output_kind = g2d::OutputKind::Classes;
///       at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const;        // scalar
///       at::Tensor confidence(const at::Tensor& output, const at::Tensor& target) const;  // [B], in [0, 1], no
///       gradient
///       void check(std::int64_t num_outputs, const at::Tensor& target) const;             // throws ShapeError or
///       DataError
///     };
///
/// Optional, for a loss that is a mean over samples (`SplitsBySample`), so that methods can take it over those that
/// have a modality: `at::Tensor sample_losses(output, target) const` [B] and `at::Tensor sample_weights(output, target)
/// const` [B], with loss = sum sample_losses / sum sample_weights.
namespace g2d::task {

namespace detail {

template <class Task>
concept HasSupervisedLoss = requires(const Task& task, const at::Tensor& output, const at::Tensor& target) {
  { task.loss(output, target) } -> std::same_as<at::Tensor>;
};

template <class Task>
concept ScoresConfidence = requires(const Task& task, const at::Tensor& output, const at::Tensor& target) {
  { task.confidence(output, target) } -> std::same_as<at::Tensor>;
};

template <class Task>
concept ChecksTargets = requires(const Task& task, const at::Tensor& target) {
  { task.check(std::int64_t{}, target) } -> std::same_as<void>;
};

template <class Task>
concept KnowsItsOutputKind = requires(const Task& task) {
  { task.output_kind } -> std::convertible_to<OutputKind>;
};

}  // namespace detail

template <class Task>
concept TaskPolicy = detail::HasSupervisedLoss<Task> && detail::ScoresConfidence<Task> && detail::ChecksTargets<Task> &&
                     detail::KnowsItsOutputKind<Task>;

/// A task that tells what each sample adds to its loss, and what the sample counts.
template <class Task>
concept SplitsBySample = requires(const Task& task, const at::Tensor& output, const at::Tensor& target) {
  { task.sample_losses(output, target) } -> std::same_as<at::Tensor>;
  { task.sample_weights(output, target) } -> std::same_as<at::Tensor>;
};

}  // namespace g2d::task
