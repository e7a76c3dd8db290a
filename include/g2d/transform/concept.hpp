// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <string>

#include <g2d/core/sample_random.hpp>

/// Transforms: what is done to one sample of one modality between its file and the batch.
///
/// A transform is a plain value:
///
///     struct Halve {
///       at::Tensor operator()(const at::Tensor& sample) const { return sample * 0.5; }   // no batch dimension
///       std::string description() const { return "halve"; }                              // name and every setting
///     };
///
/// One that draws takes `(const at::Tensor& sample, g2d::SampleRandom& random) const` instead, and draws from nothing
/// else. Images are [C, H, W], waveforms [L], sequences [T, D].
namespace g2d::transform {

template <class Transform>
concept DeterministicTransform = requires(const Transform& transform, const at::Tensor& sample) {
  { transform(sample) } -> std::same_as<at::Tensor>;
};

template <class Transform>
concept RandomTransform = requires(const Transform& transform, const at::Tensor& sample, SampleRandom& random) {
  { transform(sample, random) } -> std::same_as<at::Tensor>;
};

template <class Transform>
concept TransformPolicy =
    std::copy_constructible<Transform> && (DeterministicTransform<Transform> || RandomTransform<Transform>) &&
    requires(const Transform& transform) {
      { transform.description() } -> std::convertible_to<std::string>;
    };

}  // namespace g2d::transform
