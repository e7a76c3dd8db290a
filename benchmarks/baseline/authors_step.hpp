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

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/teacher_outputs.hpp>
#include <g2d/fusion/concept.hpp>

#include "models.hpp"

/// One step as the authors' code does it: all teachers run in the step, the teachers' confidences are summed sample by
/// sample, all encoders are trained through a full backward pass, then the convolution gradients of those that are held
/// back are multiplied by 0; torch::optim::SGD; the loss is read in every step.
///
/// Which modality learns alone is told, so that a timing knows; the comparison of the confidences is made all the same.
/// The authors have two modalities; more are treated alike.
template <class Encoder, g2d::fusion::FusionPolicy Fusion>
class AuthorsStep {
 public:
  AuthorsStep(FusedModel<Encoder, Fusion> student, std::vector<UnimodalModel<Encoder>> teachers,
              double learning_rate = 1e-3)
      : student_(std::move(student)),
        teachers_(std::move(teachers)),
        scores_(teachers_.size()),
        optimizer_(student_.parameters(), torch::optim::SGDOptions(learning_rate).momentum(0.9).weight_decay(1e-4)) {
    for (auto& teacher : teachers_) teacher.encoder->eval();
  }

  /// Empty: all learn.
  void learns_alone(std::optional<std::size_t> modality) { alone_ = modality; }

  /// Features and logits of the teachers.
  [[nodiscard]] g2d::TeacherOutputs taught(const g2d::Batch& batch) const {
    const at::NoGradGuard no_grad;
    g2d::TeacherOutputs outputs;
    for (std::size_t m = 0; m < teachers_.size(); ++m) {
      outputs.features.push_back(teachers_[m].encoder->forward(batch.inputs[m].values));
      outputs.logits.push_back(at::linear(outputs.features[m], teachers_[m].weight, teachers_[m].bias));
    }
    return outputs;
  }

  double operator()(const g2d::Batch& batch) {
    const auto teachers = taught(batch);
    for (std::size_t m = 0; m < teachers_.size(); ++m) scores_[m] = score(teachers.logits[m], batch.target);
    const auto [z, features] = student_.forward(batch);
    auto loss = at::cross_entropy_loss(z, batch.target);
    for (std::size_t m = 0; m < teachers_.size(); ++m) {
      loss = loss.add(at::mse_loss(features[m], teachers.features[m]));
      loss =
          loss.add(at::kl_div(at::log_softmax(z, 1), at::log_softmax(teachers.logits[m], 1), at::Reduction::Sum, true)
                       .mul(1.0 / static_cast<double>(batch.size())));
    }
    optimizer_.zero_grad();
    loss.backward();
    for (std::size_t m = 0; alone_ && m < teachers_.size(); ++m) {
      if (m != *alone_) suppress(*student_.encoders[m]);
    }
    optimizer_.step();
    return loss.template item<double>();
  }

  /// How many samples of a batch the student gets right, in evaluation mode.
  [[nodiscard]] std::int64_t num_right(const g2d::Batch& batch) {
    const at::NoGradGuard no_grad;
    for (auto& encoder : student_.encoders) encoder->eval();
    const auto z = student_.forward(batch).logits;
    for (auto& encoder : student_.encoders) encoder->train();
    return z.argmax(1).eq(batch.target).sum().template item<std::int64_t>();
  }

 private:
  static void suppress(Encoder& encoder) {
    for (auto& parameter : encoder.parameters()) {
      if (parameter.dim() == 4) parameter.mutable_grad().mul_(0);
    }
  }

  [[nodiscard]] static double score(const at::Tensor& logits, const at::Tensor& target) {
    const auto probabilities = at::softmax(logits, 1);
    double sum = 0.0;
    for (std::int64_t i = 0; i < logits.size(0); ++i)
      sum += probabilities[i][target[i].template item<std::int64_t>()].template item<double>();
    return sum;
  }

  FusedModel<Encoder, Fusion> student_;
  std::vector<UnimodalModel<Encoder>> teachers_;
  std::vector<double> scores_;
  std::optional<std::size_t> alone_;
  torch::optim::SGD optimizer_;
};
