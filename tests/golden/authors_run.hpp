// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include <g2d/core/modality_names.hpp>
#include <g2d/train/observer.hpp>

#include "golden/comparison.hpp"

namespace g2d_test {

/// The two modalities of the authors' code.
inline const g2d::ModalityNames authors_modalities{"audio", "visual"};

/// Compares a step with what the authors' code wrote down, and counts, so that no number is passed over.
class AuthorsStep {
 public:
  explicit AuthorsStep(const nlohmann::json& expected) : expected_(expected) {}

  void check(const std::string& quantity, double actual) {
    check_number(quantity, actual, expected_.at(quantity).get<double>());
    ++num_checked_;
  }
  void check(const std::string& quantity, const at::Tensor& actual) { check(quantity, actual.item<double>()); }

  void check_losses(const g2d::Observation& seen) {
    check("total", seen.total);
    for (const auto& term : seen.terms) {
      const std::string name(term.name);
      check(term.modality ? name + "_" + authors_modalities[*term.modality] : name, term.value);
    }
  }

  void check_complete() const { CHECK(num_checked_ == expected_.size()); }

 private:
  const nlohmann::json& expected_;
  std::size_t num_checked_ = 0;
};

/// What the gradients of a modality were multiplied by.
[[nodiscard]] inline double applied_coefficient(const g2d::Observation& seen, std::size_t m) {
  return seen.coefficients[m].defined() ? seen.coefficients[m].item<double>() : 1.0;
}

}  // namespace g2d_test
