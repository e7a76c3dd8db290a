// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include <g2d/distillation/any.hpp>
#include <g2d/encoder/encoder.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/encoder/small_cnn.hpp>
#include <g2d/method/any.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/method/ogm.hpp>
#include <g2d/method/uniform_multi_task.hpp>
#include <g2d/schedule/joint.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/suppression/partial.hpp>
#include <g2d/suppression/zeroed_gradients.hpp>
#include <g2d/task/classification.hpp>

#include "digits_settings.hpp"

inline constexpr std::int64_t num_digits = 10;

[[nodiscard]] inline g2d::Encoder make_encoder(const DigitsSettings& settings) {
  if (settings.encoder == "resnet18") {
    return std::make_shared<g2d::encoder::ResNet18>(g2d::encoder::ResNet18Options{.in_channels = 1});
  }
  return std::make_shared<g2d::encoder::SmallCnn>();
}

[[nodiscard]] inline g2d::schedule::SequentialOptions sequential_options(const DigitsSettings& settings) {
  using g2d::schedule::Order;
  g2d::schedule::SequentialOptions options{.stage_epochs = settings.stage_epochs};
  if (settings.order == "strong-first") options.order = Order::StrongFirst;
  if (settings.order == "random") options.order = Order::Random;
  if (settings.order == "declared") options.order = Order::Declared;
  return options;
}

/// Sequential modality prioritization, with the suppression asked for, on top of a loss.
template <class Loss>
[[nodiscard]] g2d::method::Any prioritized(const DigitsSettings& settings, Loss loss) {
  using namespace g2d;
  const auto with = [&](auto suppression) {
    return method::Any(method::Stack(loss, method::Prioritization(schedule::Sequential(sequential_options(settings), suppression))));
  };
  if (settings.suppression == "partial") return with(suppression::Partial());
  if (settings.suppression == "zeroed") return with(suppression::ZeroedGradients());
  return with(suppression::Complete());
}

/// Supervised loss and distillation. `logits` is false for UMT, which distils features only.
[[nodiscard]] inline auto distilling(const DigitsSettings& settings, bool logits) {
  using namespace g2d;
  using Task = task::Classification;
  using Distil = method::Distillation<Task, distillation::Any, distillation::Any>;
  const auto options = method::DistillationOptions{.feature_weight = settings.feature_weight, .logit_weight = settings.logit_weight};
  return method::Stack(
      method::Supervised<Task>(),
      Distil(options, Task(), distillation::make(settings.feature_distillation, {settings.temperature}),
             logits ? distillation::make(settings.logit_distillation, {settings.temperature}) : distillation::Any(distillation::None{})));
}

[[nodiscard]] inline g2d::method::Any make_method(const DigitsSettings& settings, const std::string& name) {
  using namespace g2d;
  using Task = task::Classification;
  if (name == "multi-task") return method::UniformMultiTask<Task>();
  if (name == "g2d-loss") return distilling(settings, true);
  if (name == "g2d") return prioritized(settings, distilling(settings, true));
  if (name == "smp") return prioritized(settings, method::Supervised<Task>());
  if (name == "umt") return distilling(settings, false);
  if (name == "ogm" || name == "ogm-ge") {
    return method::Stack(method::Supervised<Task>(), method::Ogm<Task>({.strength = 0.8, .adds_noise = name == "ogm-ge"}));
  }
  return method::JointTraining<Task>();
}

/// Settings that do not fit together are refused here, before hours of teachers have been trained.
inline void check_methods(const DigitsSettings& settings) {
  const auto width = make_encoder(settings).feature_width();
  const g2d::TeacherSummary teachers{.feature_widths = {width, width}, .num_outputs = num_digits, .confidence = {0.5, 0.5}};
  const g2d::method::Setup setup{{"audio", "image"}, {width, width}, num_digits, settings.epochs, teachers};
  for (const auto& name : settings.methods) make_method(settings, name).begin(setup);
}
