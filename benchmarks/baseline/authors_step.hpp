// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/kl_div.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/softmax.h>
#include <torch/optim/sgd.h>

#include <array>
#include <memory>
#include <vector>

#include <g2d/core/batch.hpp>

/// One step as the authors' code does it: both teachers run in the step, both encoders are trained through a full backward
/// pass, then the convolution gradients of the modality with the surer teacher are multiplied by 0; torch::optim::SGD. Its
/// per-sample confidence loop is left out, which only helps it.
template <class Encoder>
class AuthorsStep {
 public:
  struct Model {
    std::shared_ptr<Encoder> encoder;
    at::Tensor weight, bias;
  };

  /// `suppressed` is fixed, so that a timing knows which encoder is held back.
  AuthorsStep(std::vector<Model> student, std::vector<Model> teachers, std::size_t suppressed)
      : student_(std::move(student)), teachers_(std::move(teachers)), suppressed_(suppressed), optimizer_(parameters(), options()) {
    for (auto& teacher : teachers_) teacher.encoder->eval();
  }

  at::Tensor operator()(const g2d::Batch& batch) {
    std::vector<at::Tensor> features, taught_features, taught_logits;
    {
      at::NoGradGuard no_grad;
      for (std::size_t m = 0; m < 2; ++m) {
        taught_features.push_back(teachers_[m].encoder->forward(batch.inputs[m].values));
        taught_logits.push_back(at::linear(taught_features[m], teachers_[m].weight, teachers_[m].bias));
        score_[m] = at::softmax(taught_logits[m], 1).gather(1, batch.target.unsqueeze(1)).sum().item<double>();
      }
    }
    for (std::size_t m = 0; m < 2; ++m) features.push_back(student_[m].encoder->forward(batch.inputs[m].values));
    const auto z = at::linear(features[0], student_[0].weight, student_[0].bias)
                       .add(at::linear(features[1], student_[1].weight, student_[1].bias)).div(2.0);
    auto loss = at::cross_entropy_loss(z, batch.target);
    for (std::size_t m = 0; m < 2; ++m) {
      loss = loss.add(at::mse_loss(features[m], taught_features[m]));
      loss = loss.add(at::kl_div(at::log_softmax(z, 1), at::log_softmax(taught_logits[m], 1), at::Reduction::Sum, true)
                          .mul(1.0 / static_cast<double>(batch.size())));
    }
    optimizer_.zero_grad();
    loss.backward();
    for (auto& parameter : student_[suppressed_].encoder->parameters()) {
      if (parameter.dim() == 4) parameter.mutable_grad().mul_(0);
    }
    optimizer_.step();
    return loss.detach();
  }

 private:
  [[nodiscard]] std::vector<at::Tensor> parameters() const {
    std::vector<at::Tensor> all;
    for (const auto& model : student_) {
      for (const auto& parameter : model.encoder->parameters()) all.push_back(parameter);
      all.insert(all.end(), {model.weight, model.bias});
    }
    return all;
  }
  static torch::optim::SGDOptions options() { return torch::optim::SGDOptions(1e-3).momentum(0.9).weight_decay(1e-4); }

  std::vector<Model> student_, teachers_;
  std::size_t suppressed_;
  std::array<double, 2> score_{};
  torch::optim::SGD optimizer_;
};
