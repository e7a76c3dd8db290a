// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <g2d/core/modality_names.hpp>
#include <g2d/core/parameter.hpp>
#include <g2d/core/per_modality.hpp>

/// Connectors: what brings the student's features to the teacher's width before they are compared.
///
/// | policy | map | use when |
/// |---|---|---|
/// | `Identity`   | none; differing widths are refused by name | student and teacher have the same encoders |
/// | `Projection` | a trained linear layer where the widths differ | they have not |
///
/// A connector is a plain class:
///
///     struct Mine {
///       void begin(const g2d::ModalityNames&, g2d::ModalitySpan<std::int64_t> student, g2d::ModalitySpan<std::int64_t>
///       teacher); at::Tensor operator()(std::size_t modality, const at::Tensor& student_features) const;
///       g2d::Parameters parameters() const;   // trained with the student, after begin
///     };
namespace g2d::distillation::connector {

template <class Connector>
concept ConnectorPolicy = requires(Connector& connector, const Connector& built, const ModalityNames& names,
                                   ModalitySpan<std::int64_t> widths, const at::Tensor& features) {
  { connector.begin(names, widths, widths) } -> std::same_as<void>;
  { built(std::size_t{}, features) } -> std::same_as<at::Tensor>;
  { built.parameters() } -> std::same_as<Parameters>;
};

}  // namespace g2d::distillation::connector
