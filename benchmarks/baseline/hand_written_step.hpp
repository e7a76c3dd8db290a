// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/addmv.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/nll_loss_nd.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <cstddef>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/teacher_outputs.hpp>

#include "models.hpp"

/// The G2D step for late fusion, by hand in plain LibTorch with the mathematics and the kernels that g2d uses: one
/// log-softmax of the fused logits for all terms, the teachers' terms in one product, no work for an encoder whose
/// features are known. No checks, no plan, no guard against NaN; batches are small enough that the terms need no
/// blocks.
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

  /// `known_features[m]`, where defined: those of an encoder that is held back. Its head learns all the same.
  at::Tensor operator()(const g2d::Batch& batch, const g2d::TeacherOutputs& teachers,
                        g2d::ModalitySpan<at::Tensor> known_features = {}) {
    std::vector<at::Tensor> features;
    at::Tensor z;
    for (std::size_t m = 0; m < models_.size(); ++m) {
      const bool is_known = !known_features.empty() && known_features[m].defined();
      features.push_back(is_known ? known_features[m] : models_[m].encoder->forward(batch.inputs[m].values));
      const auto logits = at::linear(features[m], models_[m].weight, models_[m].bias);
      z = m == 0 ? logits : z.add(logits);
    }
    const auto log_q = at::log_softmax(z.div(static_cast<double>(models_.size())), 1);
    auto loss = at::nll_loss_nd(log_q, batch.target).add(divergence(log_q, teachers.logits));
    for (std::size_t m = 0; m < models_.size(); ++m) loss = loss.add(at::mse_loss(features[m], teachers.features[m]));
    loss.backward();
    update();
    return loss.detach();
  }

 private:
  /// sum_m KL(teacher m || student), the mean over the samples.
  static at::Tensor divergence(const at::Tensor& log_q, g2d::ModalitySpan<at::Tensor> teachers) {
    const auto log_p = at::log_softmax(at::stack(at::TensorList(teachers.data(), teachers.size())), 2);
    const auto p = log_p.exp();
    const double share = 1.0 / static_cast<double>(log_q.size(0));
    return at::addmv(p.mul(log_p).sum(at::IntArrayRef{1, 2}), p.view({log_p.size(0), -1}), log_q.reshape(-1), share,
                     -share)
        .sum();
  }

  /// Channels-last weights as they lie in memory: of what is not contiguous the kernel makes copies.
  static at::Tensor in_a_row(const at::Tensor& tensor) {
    return tensor.is_contiguous() ? tensor : tensor.as_strided({tensor.numel()}, {1});
  }

  /// Of what has a gradient: an encoder that is held back has none.
  void update() {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> values, gradients, momentum;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      auto& gradient = parameters_[i].mutable_grad();
      if (!gradient.defined()) continue;
      values.push_back(in_a_row(parameters_[i]));
      gradients.push_back(in_a_row(gradient));
      momentum.push_back(in_a_row(momentum_[i]));
      gradient.reset();
    }
    at::_fused_sgd_(values, gradients, momentum, 1e-4, 0.9, 1e-3, 0.0, false, false, false);
  }

  std::vector<UnimodalModel<Encoder>> models_;
  std::vector<at::Tensor> parameters_, momentum_;
};
