// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include <g2d/transform/any.hpp>

namespace g2d::transform {

/// Transforms one after the other; none leaves the sample as it is.
class Chain {
 public:
  Chain() = default;
  Chain(std::initializer_list<Any> parts) : parts_(parts) {}
  explicit Chain(std::vector<Any> parts) : parts_(std::move(parts)) {}

  [[nodiscard]] at::Tensor operator()(const at::Tensor& sample, SampleRandom& random) const {
    auto result = sample;
    for (const auto& part : parts_) result = part(result, random);
    return result;
  }

  /// The parts', separated by commas.
  [[nodiscard]] std::string description() const {
    std::string text;
    for (const auto& part : parts_) text += (text.empty() ? "" : ", ") + part.description();
    return text;
  }

  [[nodiscard]] bool is_random() const {
    return std::any_of(parts_.begin(), parts_.end(), [](const Any& part) { return part.is_random(); });
  }

 private:
  std::vector<Any> parts_;
};

static_assert(TransformPolicy<Chain>);

}  // namespace g2d::transform
