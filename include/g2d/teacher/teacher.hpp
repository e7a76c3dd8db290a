// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <g2d/core/fingerprint.hpp>
#include <g2d/core/input.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/encoder/detail/autocast_scope.hpp>
#include <g2d/encoder/precision.hpp>

namespace g2d {

/// A frozen unimodal model: features and logits of one modality. It owns its module, which is no part of any student.
///
/// At construction the module goes into evaluation mode and none of its parameters requires a gradient; a call puts it
/// back into evaluation mode if someone changed that, and runs without a graph.
///
/// Shapes     input [B, ...]; features [B, D]; logits [B, C], both in the dtype of the parameters.
/// Errors     ShapeError when the model does not give that; ConfigError for no module.
class Teacher {
 public:
  struct Output {
    at::Tensor features;
    at::Tensor logits;
  };
  using Forward = std::function<Output(const Input&)>;

  /// Any module and the function that runs it.
  Teacher(std::shared_ptr<torch::nn::Module> module, Forward forward, std::int64_t feature_width,
          std::int64_t num_outputs)
      : module_(std::move(module)),
        forward_(std::move(forward)),
        feature_width_(feature_width),
        num_outputs_(num_outputs) {
    if (!module_) throw ConfigError("g2d: Teacher: expected a module, got none");
    module_->eval();
    for (auto& parameter : module_->parameters()) parameter.requires_grad_(false);
  }

  /// A student of one modality, as `JointTraining` on that modality alone makes it.
  template <class UnimodalStudent>
  [[nodiscard]] static Teacher of(std::shared_ptr<UnimodalStudent> model) {
    if (!model) throw ConfigError("g2d: Teacher: expected a model, got none");
    if (model->num_modalities() != 1) {
      throw ConfigError(fmt::format("g2d: Teacher: expected a model of one modality, got {} ({})",
                                    model->num_modalities(), model->names().joined()));
    }
    auto forward = [raw = model.get()](const Input& input) {
      auto fused = raw->fuse(PerModality<at::Tensor>{raw->encode(0, input)});
      return Output{std::move(fused.features[0]), std::move(fused.logits)};
    };
    const auto width = model->handed_on_width(0);
    const auto outputs = model->num_outputs();
    return Teacher(std::move(model), std::move(forward), width, outputs);
  }

  /// One pass; `precision` of its layers, which may be less than the weights were trained with.
  [[nodiscard]] Output operator()(const Input& input, Precision precision = Precision::Full) const {
    at::NoGradGuard no_grad;
    module_->eval();
    auto output = precision == Precision::Full ? forward_(input) : reduced(input, precision);
    check_matrix(output.features, input.values.size(0), feature_width_, "Teacher: features");
    check_matrix(output.logits, input.values.size(0), num_outputs_, "Teacher: logits");
    return output;
  }

  [[nodiscard]] std::int64_t feature_width() const { return feature_width_; }
  [[nodiscard]] std::int64_t num_outputs() const { return num_outputs_; }
  [[nodiscard]] const std::shared_ptr<torch::nn::Module>& module() const { return module_; }

  /// Dtype and device of the parameters; LibTorch's defaults for a module without any.
  [[nodiscard]] at::TensorOptions options() const {
    const auto parameters = module_->parameters();
    return parameters.empty() ? at::TensorOptions() : parameters[0].options();
  }

  /// Of all parameters and buffers, in order.
  [[nodiscard]] std::string fingerprint() const {
    Fingerprint fingerprint;
    for (const auto& item : module_->named_parameters()) fingerprint.add(item.key()).add(item.value());
    for (const auto& item : module_->named_buffers()) fingerprint.add(item.key()).add(item.value());
    return fingerprint.str();
  }

 private:
  [[nodiscard]] Output reduced(const Input& input, Precision precision) const {
    const auto own = options();
    const encoder::detail::AutocastScope autocast(own.device().type(), precision);
    auto [features, logits] = forward_(input);
    const auto dtype = c10::typeMetaToScalarType(own.dtype());
    return {features.to(dtype), logits.to(dtype)};
  }

  std::shared_ptr<torch::nn::Module> module_;
  Forward forward_;
  std::int64_t feature_width_;
  std::int64_t num_outputs_;
};

}  // namespace g2d
