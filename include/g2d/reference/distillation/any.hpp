// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <variant>

#include <g2d/reference/distillation/bernoulli_kl.hpp>
#include <g2d/reference/distillation/concept.hpp>
#include <g2d/reference/distillation/cosine.hpp>
#include <g2d/reference/distillation/kl.hpp>
#include <g2d/reference/distillation/mse.hpp>
#include <g2d/reference/distillation/none.hpp>

namespace g2d::reference::distillation {

/// Any distillation of this folder, chosen at run time.
struct Any {
  std::variant<None, Kl, BernoulliKl, Mse, Cosine> choice;

  [[nodiscard]] double value(const Matrix& student, const Matrix& teacher) const {
    return std::visit([&](const auto& distillation) { return distillation.value(student, teacher); }, choice);
  }

  [[nodiscard]] Matrix gradient(const Matrix& student, const Matrix& teacher) const {
    return std::visit([&](const auto& distillation) { return distillation.gradient(student, teacher); }, choice);
  }
};

static_assert(DistillationPolicy<Any>);

}  // namespace g2d::reference::distillation
