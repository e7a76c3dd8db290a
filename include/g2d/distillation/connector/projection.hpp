// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include <g2d/core/linear.hpp>
#include <g2d/distillation/connector/concept.hpp>

namespace g2d::distillation::connector {

/// A linear layer from the student's width to the teacher's, for each modality where they differ; trained with the
/// student.
///
/// Use when   teachers are wider or narrower than the student's encoders.
/// Shapes     [B, D_student] to [B, D_teacher].
/// Cost       D_student D_teacher multiply-adds a sample; unused at inference.
/// Source     hint layers, Romero et al. 2015, arXiv:1412.6550.
class Projection {
 public:
  void begin(const ModalityNames& names, ModalitySpan<std::int64_t> student, ModalitySpan<std::int64_t> teacher) {
    names_ = names;
    layers_.assign(names.size(), std::nullopt);
    for (std::size_t m = 0; m < names.size(); ++m) {
      if (student[m] != teacher[m]) layers_[m].emplace(student[m], teacher[m]);
    }
  }

  [[nodiscard]] at::Tensor operator()(std::size_t m, const at::Tensor& features) const {
    return layers_[m] ? (*layers_[m])(features) : features;
  }

  [[nodiscard]] Parameters parameters() const {
    Parameters parameters;
    for (std::size_t m = 0; m < layers_.size(); ++m) {
      if (layers_[m]) layers_[m]->append_to(parameters, (*names_)[m], m);
    }
    return parameters;
  }

 private:
  std::optional<ModalityNames> names_;
  std::vector<std::optional<Linear>> layers_;
};

static_assert(ConnectorPolicy<Projection>);

}  // namespace g2d::distillation::connector
