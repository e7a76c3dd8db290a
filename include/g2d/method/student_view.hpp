// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <span>
#include <vector>

#include <g2d/core/input.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/parameter_group.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/fusion/concept.hpp>

namespace g2d::fusion {
class Any;
}

namespace g2d::method {

/// What a method may ask of the student that it trains: the parts of its forward pass, and its parameters.
class StudentView {
 public:
  StudentView() = default;
  StudentView(const StudentView&) = delete;
  StudentView& operator=(const StudentView&) = delete;
  virtual ~StudentView() = default;

  [[nodiscard]] virtual const ModalityNames& names() const = 0;
  /// The features of modality m, in the mode that its encoder is in.
  [[nodiscard]] virtual at::Tensor encode(std::size_t m, const Input& input) const = 0;
  /// The same in evaluation mode, norm statistics and dropout at rest; a graph is kept where gradients are enabled.
  [[nodiscard]] virtual at::Tensor encode_evaluating(std::size_t m, const Input& input) const = 0;
  /// The fused output for other features than the encoders'; features [B, D_m] replaced by zeros leave a modality out.
  [[nodiscard]] virtual fusion::Output fuse(ModalitySpan<at::Tensor> features) const = 0;
  /// The fusion, for a method that works with one of them: `fusion().get_if<fusion::CrossExcitation>()`. It shares its
  /// tensors.
  [[nodiscard]] virtual const fusion::Any& fusion() const = 0;
  /// Whether the fused output is a sum of one part for each modality, and the parts. Errors: ConfigError where it is
  /// none.
  [[nodiscard]] virtual bool splits() const = 0;
  [[nodiscard]] virtual PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const = 0;
  /// The student's own groups: encoders, heads, the rest.
  [[nodiscard]] virtual std::span<const ParameterGroup> parameter_groups() const = 0;
  /// Norm statistics and the like of one encoder.
  [[nodiscard]] virtual std::vector<at::Tensor> encoder_buffers(std::size_t m) const = 0;
};

}  // namespace g2d::method
