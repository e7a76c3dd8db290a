// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <functional>
#include <string>
#include <utility>

#include <g2d/transform/concept.hpp>

namespace g2d::transform {

/// Any transform, chosen at run time.
///
/// Cost       one indirect call a sample.
class Any {
 public:
  template <class Transform>
    requires(!std::same_as<Transform, Any>) && TransformPolicy<Transform>
  Any(Transform transform)  // NOLINT(google-explicit-constructor): a transform is any transform
      : description_(transform.description()), is_random_(decide_is_random(transform)) {
    apply_ = [transform = std::move(transform)](const at::Tensor& sample, SampleRandom& random) {
      if constexpr (RandomTransform<Transform>) {
        return transform(sample, random);
      } else {
        return transform(sample);
      }
    };
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& sample, SampleRandom& random) const {
    return apply_(sample, random);
  }
  [[nodiscard]] const std::string& description() const { return description_; }
  [[nodiscard]] bool is_random() const { return is_random_; }

 private:
  template <class Transform>
  static bool decide_is_random(const Transform& transform) {
    if constexpr (requires {
                    { transform.is_random() } -> std::convertible_to<bool>;
                  })
      return transform.is_random();
    return RandomTransform<Transform>;
  }

  std::function<at::Tensor(const at::Tensor&, SampleRandom&)> apply_;
  std::string description_;
  bool is_random_;
};

}  // namespace g2d::transform
