// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/kl_div.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/zeros_like.h>

#include <cstddef>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/teacher_outputs.hpp>

#include "models.hpp"

/// The G2D step for late fusion, by hand in plain LibTorch with the kernels that g2d uses: no checks, no suppression, no guard
/// against NaN.
template <class Encoder>
class HandWrittenStep {
 public:
  explicit HandWrittenStep(std::vector<UnimodalModel<Encoder>> models) : models_(std::move(models)) {
    for (const auto& model : models_) {
      for (const auto& parameter : model.encoder->parameters()) parameters_.push_back(parameter);
    }
    for (const auto& model : models_) parameters_.insert(parameters_.end(), {model.weight, model.bias});
    for (const auto& parameter : parameters_) momentum_.push_back(at::zeros_like(parameter));
  }

  at::Tensor operator()(const g2d::Batch& batch, const g2d::TeacherOutputs& teachers) {
    std::vector<at::Tensor> features;
    at::Tensor z;
    for (std::size_t m = 0; m < models_.size(); ++m) {
      features.push_back(models_[m].encoder->forward(batch.inputs[m].values));
      const auto logits = at::linear(features[m], models_[m].weight, models_[m].bias);
      z = m == 0 ? logits : z.add(logits);
    }
    z = z.div(static_cast<double>(models_.size()));
    auto loss = at::cross_entropy_loss(z, batch.target);
    for (std::size_t m = 0; m < models_.size(); ++m) {
      loss = loss.add(at::mse_loss(features[m], teachers.features[m])).add(kl(z, teachers.logits[m]));
    }
    loss.backward();
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> gradients;
    for (const auto& parameter : parameters_) gradients.push_back(parameter.grad());
    at::_fused_sgd_(parameters_, gradients, momentum_, 1e-4, 0.9, 1e-3, 0.0, false, false, false);
    for (auto& parameter : parameters_) parameter.mutable_grad().reset();
    return loss.detach();
  }

 private:
  static at::Tensor kl(const at::Tensor& student, const at::Tensor& teacher) {
    return at::kl_div(at::log_softmax(student, 1), at::log_softmax(teacher, 1), at::Reduction::Sum, true)
        .mul(1.0 / static_cast<double>(student.size(0)));
  }

  std::vector<UnimodalModel<Encoder>> models_;
  std::vector<at::Tensor> parameters_, momentum_;
};
