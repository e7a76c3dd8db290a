// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/encoder/mlp.hpp>
#include <g2d/method/any.hpp>
#include <g2d/schedule/concept.hpp>
#include <g2d/train/step.hpp>
#include <g2d/train/student.hpp>

#include "support/random_case.hpp"

namespace g2d_test {

/// One instantiation of Step serves all methods: compiling is what costs.
using AnyStep = g2d::Step<g2d::AnyStudent, g2d::method::Any>;

inline std::shared_ptr<g2d::AnyStudent> make_student(std::vector<g2d::Encoder> encoders, std::int64_t num_outputs,
                                                     std::string_view fusion = "late",
                                                     std::string_view readout = "auto",
                                                     g2d::StudentOptions options = {}) {
  std::vector<std::int64_t> widths;
  for (const auto& encoder : encoders) widths.push_back(encoder.feature_width());
  const g2d::FusionShape shape(names(encoders.size()), widths, num_outputs);
  return std::make_shared<g2d::AnyStudent>(g2d::fusion::make(fusion, shape), std::move(encoders),
                                           g2d::readout::make(readout, shape), options);
}

/// One linear layer and tanh, the reference's encoder.
inline std::shared_ptr<g2d::encoder::Mlp> linear_tanh(std::int64_t in_features, std::int64_t width) {
  return std::make_shared<g2d::encoder::Mlp>(g2d::encoder::MlpOptions{
      .in_features = in_features, .feature_width = width, .activation = g2d::encoder::Activation::Tanh});
}

inline std::vector<g2d::Encoder> tanh_encoders(const std::vector<std::int64_t>& in_features,
                                               const std::vector<std::int64_t>& widths) {
  std::vector<g2d::Encoder> encoders;
  for (std::size_t m = 0; m < widths.size(); ++m) encoders.emplace_back(linear_tanh(in_features[m], widths[m]));
  return encoders;
}

/// Suppresses whom it is told to, one entry an epoch.
template <class Suppression>
struct ScriptedSchedule {
  std::vector<g2d::PerModality<bool>> suppressed;
  Suppression how;

  [[nodiscard]] std::vector<g2d::schedule::Stage> stages(const g2d::schedule::Run& /*run*/) const {
    std::vector<g2d::schedule::Stage> stages;
    for (const auto& flags : suppressed) {
      const auto epoch = static_cast<std::int64_t>(stages.size());
      stages.push_back({.name = "scripted", .first_epoch = epoch, .num_epochs = 1, .suppressed = flags});
    }
    return stages;
  }
  [[nodiscard]] const Suppression& suppression() const { return how; }
};

/// A loss for each modality that no other modality enters: what one encoder learns says nothing of the others.
struct SeparateLosses {
  void loss(const g2d::method::StepContext& /*context*/, const g2d::method::Outputs& outputs,
            g2d::method::Terms& terms) {
    for (std::size_t m = 0; m < outputs.features.size(); ++m) {
      terms.push_back({"separate", m, outputs.features[m].sub(0.3).square().mean(), 1.0});
    }
  }
};

}  // namespace g2d_test
