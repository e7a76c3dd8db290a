// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <g2d/core/error.hpp>
#include <g2d/distillation/connector/concept.hpp>

namespace g2d::distillation::connector {

/// No connector: the student's features are compared as they are. The do-nothing policy of this axis.
///
/// Use when   student and teachers have the same encoders: the default.
/// Errors     ConfigError naming the modality whose widths differ.
struct Identity {
  void begin(const ModalityNames& names, ModalitySpan<std::int64_t> student, ModalitySpan<std::int64_t> teacher) const {
    for (std::size_t m = 0; m < names.size(); ++m) {
      if (student[m] != teacher[m]) {
        throw ConfigError(
            fmt::format("g2d: feature distillation: modality \"{}\": expected the teacher's feature width {} to equal "
                        "the student's {}; "
                        "use connector::Projection, or None for features",
                        names[m], teacher[m], student[m]));
      }
    }
  }
  [[nodiscard]] at::Tensor operator()(std::size_t, const at::Tensor& features) const { return features; }
  [[nodiscard]] Parameters parameters() const { return {}; }
};

static_assert(ConnectorPolicy<Identity>);

}  // namespace g2d::distillation::connector
