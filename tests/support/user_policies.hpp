// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

// Policies as a user writes them: they know the contracts in each family's concept.hpp, and LibTorch, nothing else.

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <g2d/distillation/concept.hpp>
#include <g2d/distillation/connector/concept.hpp>
#include <g2d/encoder/concept.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/initialization/concept.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/readout/concept.hpp>
#include <g2d/schedule/concept.hpp>
#include <g2d/suppression/concept.hpp>
#include <g2d/task/concept.hpp>

namespace user {

/// logits = W tanh(prod_m h_m): all widths equal.
class ProductFusion {
 public:
  explicit ProductFusion(g2d::FusionShape shape)
      : shape_(std::move(shape)),
        weight_(torch::randn({shape_.num_outputs(), shape_.feature_width(0)}).mul(0.3).requires_grad_()) {}

  g2d::fusion::Output forward(g2d::ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "user::ProductFusion");
    auto product = features[0];
    for (std::size_t m = 1; m < features.size(); ++m) product = product * features[m];
    return {torch::linear(product.tanh(), weight_), {features.begin(), features.end()}};
  }
  g2d::Parameters parameters() const { return {{"product.weight", weight_, {}}}; }
  const g2d::FusionShape& shape() const { return shape_; }

 private:
  g2d::FusionShape shape_;
  at::Tensor weight_;
};

/// Huber's loss, with a bound on what it can compare.
struct HuberDistillation {
  static constexpr bool admits(g2d::OutputKind kind) { return kind != g2d::OutputKind::Labels; }
  static constexpr std::int64_t min_outputs = 2;

  at::Tensor operator()(const at::Tensor& student, const at::Tensor& teacher) const {
    return per_sample(student, teacher).mean();
  }
  at::Tensor per_sample(const at::Tensor& student, const at::Tensor& teacher) const {
    return torch::huber_loss(student, teacher, at::Reduction::None).mean(1);
  }
};

/// What a modality says alone, made quieter.
struct HalvedReadout {
  template <g2d::fusion::FusionPolicy Fusion>
  g2d::PerModality<at::Tensor> unimodal_logits(const Fusion& fusion, g2d::ModalitySpan<at::Tensor> features) const {
    g2d::PerModality<at::Tensor> logits;
    for (std::size_t m = 0; m < features.size(); ++m) logits.push_back(fusion.forward(features).logits.mul(0.5));
    return logits;
  }
};

/// Halves the gradients of a suppressed modality.
struct HalvingSuppression {
  static constexpr bool freezes = false;
  at::Tensor coefficients(const at::Tensor& suppressed, const at::Tensor& ratios) const {
    return torch::where(suppressed, torch::full_like(ratios, 0.5), torch::ones_like(ratios));
  }
  g2d::suppression::NormStatistics norm_statistics() const { return g2d::suppression::NormStatistics::Tracked; }
  g2d::suppression::ParameterFilter filter() const { return {}; }
};

/// Suppresses the modalities in turn, one epoch each.
struct TurnsSchedule {
  std::vector<g2d::schedule::Stage> stages(const g2d::schedule::Run& run) const {
    std::vector<g2d::schedule::Stage> stages;
    for (std::int64_t epoch = 0; epoch < run.num_epochs; ++epoch) {
      g2d::PerModality<bool> suppressed(run.names.size(), false);
      suppressed[static_cast<std::size_t>(epoch) % run.names.size()] = true;
      stages.push_back({.name = "turn", .first_epoch = epoch, .num_epochs = 1, .suppressed = suppressed});
    }
    return stages;
  }
  const HalvingSuppression& suppression() const { return suppression_; }

  HalvingSuppression suppression_;
};

/// Mean absolute error.
struct AbsoluteTask {
  static constexpr g2d::OutputKind output_kind = g2d::OutputKind::Values;
  at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const { return torch::l1_loss(output, target); }
  at::Tensor confidence(const at::Tensor& output, const at::Tensor& target) const {
    return (output.detach() - target).abs().mean(1).neg().exp();
  }
  void check(std::int64_t, const at::Tensor&) const {}
};

/// One trained factor for all modalities.
struct ScaleConnector {
  void begin(const g2d::ModalityNames&, g2d::ModalitySpan<std::int64_t>, g2d::ModalitySpan<std::int64_t>) {
    factor = torch::ones({}).requires_grad_();
  }
  at::Tensor operator()(std::size_t, const at::Tensor& features) const { return features * factor; }
  g2d::Parameters parameters() const { return {{"factor", factor, {}}}; }

  at::Tensor factor;
};

/// A loss term and a gradient hook: keeps the features small, and counts the gradients that it sees.
struct FeaturePenalty {
  void loss(const g2d::method::StepContext&, const g2d::method::Outputs& outputs, g2d::method::Terms& terms) {
    for (std::size_t m = 0; m < outputs.features.size(); ++m) {
      terms.push_back({"penalty", m, outputs.features[m].square().mean(), 0.5});
    }
  }
  void gradients(const g2d::method::StepContext&, const g2d::method::Outputs& outputs,
                 g2d::method::GradientView& view) {
    for (std::size_t m = 0; m < outputs.features.size(); ++m) {
      view.for_each(m, {}, [&](const at::Tensor&) { ++seen; });
    }
  }

  int seen = 0;
};

/// An encoder with nothing but a forward.
struct CosineEncoder : torch::nn::Module {
  explicit CosineEncoder(std::int64_t in_features, std::int64_t width)
      : linear(register_module("linear", torch::nn::Linear(in_features, width))) {}
  at::Tensor forward(const at::Tensor& x) { return linear(x).cos(); }

  torch::nn::Linear linear;
};

struct ConstantInitialization {
  void operator()(torch::nn::Module& module) const {
    const at::NoGradGuard no_grad;
    for (auto& parameter : module.parameters()) parameter.fill_(0.1);
  }
  void operator()(const g2d::Parameters& parameters) const {
    const at::NoGradGuard no_grad;
    for (const auto& parameter : parameters) parameter.value.fill_(0.1);
  }
};

}  // namespace user
