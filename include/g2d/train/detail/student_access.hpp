// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <span>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/parameter_group.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/method/student_view.hpp>
#include <g2d/train/detail/mode_scope.hpp>
#include <g2d/train/work.hpp>

namespace g2d::detail {

/// A student as its method sees it; what it encodes for the method is counted.
template <class Student>
class StudentAccess final : public method::StudentView {
 public:
  StudentAccess(const Student& student, Work& work)
      : student_(student), fusion_(student.fusion()), groups_(student.parameter_groups()), work_(work) {}

  [[nodiscard]] const ModalityNames& names() const override { return student_.names(); }
  [[nodiscard]] at::Tensor encode(std::size_t m, const Input& input) const override {
    work_.forwards[m] += input.values.size(0);
    return student_.encode(m, input);
  }
  [[nodiscard]] at::Tensor encode_evaluating(std::size_t m, const Input& input) const override {
    const ModeScope evaluation(*student_.encoder(m).module(), /*training=*/false);
    return encode(m, input);
  }
  [[nodiscard]] fusion::Output fuse(ModalitySpan<at::Tensor> features) const override {
    return student_.fuse(features);
  }
  [[nodiscard]] const fusion::Any& fusion() const override { return fusion_; }
  [[nodiscard]] bool splits() const override { return fusion::splits(student_.fusion()); }
  [[nodiscard]] PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const override {
    if constexpr (requires { student_.fusion().split_logits(features); }) {
      return student_.fusion().split_logits(features);
    } else {
      throw ConfigError(
          "g2d: expected a fusion whose output is a sum of one part for each modality; use Late, Sum or Concat");
    }
  }
  [[nodiscard]] std::span<const ParameterGroup> parameter_groups() const override { return groups_; }
  [[nodiscard]] std::vector<at::Tensor> encoder_buffers(std::size_t m) const override {
    return student_.encoder(m).module()->buffers();
  }

 private:
  const Student& student_;
  fusion::Any fusion_;
  std::vector<ParameterGroup> groups_;
  Work& work_;
};

}  // namespace g2d::detail
