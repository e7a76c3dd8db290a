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

#include <memory>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/teacher_outputs.hpp>

/// The G2D step for two modalities and late fusion, by hand in plain LibTorch with the kernels that g2d uses: no checks, no
/// suppression, no guard against NaN.
template <class Encoder>
class HandWrittenStep {
 public:
  struct Head {
    at::Tensor weight, bias;
  };

  HandWrittenStep(std::shared_ptr<Encoder> audio, std::shared_ptr<Encoder> image, Head audio_head, Head image_head)
      : audio_(std::move(audio)), image_(std::move(image)), audio_head_(std::move(audio_head)), image_head_(std::move(image_head)) {
    for (const auto& module : {audio_, image_}) {
      for (const auto& parameter : module->parameters()) parameters_.push_back(parameter);
    }
    for (const auto& head : {audio_head_, image_head_}) parameters_.insert(parameters_.end(), {head.weight, head.bias});
    for (const auto& parameter : parameters_) momentum_.push_back(at::zeros_like(parameter));
  }

  at::Tensor operator()(const g2d::Batch& batch, const g2d::TeacherOutputs& teachers) {
    const auto a = audio_->forward(batch.inputs[0].values);
    const auto b = image_->forward(batch.inputs[1].values);
    const auto z = at::linear(a, audio_head_.weight, audio_head_.bias).add(at::linear(b, image_head_.weight, image_head_.bias)).div(2.0);
    auto loss = at::cross_entropy_loss(z, batch.target);
    loss = loss.add(at::mse_loss(a, teachers.features[0])).add(kl(z, teachers.logits[0]));
    loss = loss.add(at::mse_loss(b, teachers.features[1])).add(kl(z, teachers.logits[1]));
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

  std::shared_ptr<Encoder> audio_, image_;
  Head audio_head_, image_head_;
  std::vector<at::Tensor> parameters_, momentum_;
};
