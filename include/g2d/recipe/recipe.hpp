// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include <g2d/optimizer/settings.hpp>
#include <g2d/schedule/batchwise.hpp>
#include <g2d/schedule/joint.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/suppression/complete.hpp>
#include <g2d/suppression/zeroed_gradients.hpp>
#include <g2d/teacher/confidence_report.hpp>

namespace g2d::recipe {

/// When modalities are held back, with the suppression that says how.
using Schedule = std::variant<schedule::Joint, schedule::Sequential<suppression::Complete>,
                              schedule::Batchwise<suppression::ZeroedGradients>>;

/// Every setting of a run, by name. Start from `paper()` or `official_code()` and change what should differ.
///
/// Where a policy is chosen by its name, the name is one of the family's `choices`.
/// Source     docs/guide/paper-and-code.md has the source of every value of both recipes.
struct Recipe {
  std::string name;
  std::string fusion;
  std::string readout;  ///< What the student's modalities say alone.
  std::string feature_distillation;
  std::string logit_distillation;
  double feature_weight = 1.0;  ///< alpha.
  double logit_weight = 1.0;    ///< beta.
  double temperature = 1.0;     ///< tau.
  Schedule schedule;
  ConfidenceMeasure confidence = ConfidenceMeasure::Training;  ///< The samples whose rho ranks the modalities.
  bool calibrate_norm_statistics = true;  ///< Before encoders are frozen that have never been trained.
  optimizer::Settings optimizer = optimizer::Sgd{};
  std::int64_t batch_size = 16;
  std::int64_t num_epochs = 300;
  std::int64_t step_lr_period = 200;  ///< Epochs after which the learning rate is multiplied by step_lr_factor.
  double step_lr_factor = 0.1;
  bool selects_on_test = false;  ///< `fit` gets the test split for validation, so that the reported number is too good.
  std::uint64_t seed = 999;
};

}  // namespace g2d::recipe
