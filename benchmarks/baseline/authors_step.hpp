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
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>

/// One step as the authors' code does it: both teachers run in the step, the teachers' confidences are summed sample by sample,
/// both encoders are trained through a full backward pass, then the convolution gradients of the modality with the surer
/// teacher are multiplied by 0; torch::optim::SGD; the loss is read in every step.
///
/// Which modality is held back is told, so that a timing knows; the comparison of the confidences is made all the same.
template <class Encoder>
class AuthorsStep {
 public:
  struct Model {
    std::shared_ptr<Encoder> encoder;
    at::Tensor weight, bias;
  };

  AuthorsStep(std::vector<Model> student, std::vector<Model> teachers, double learning_rate = 1e-3)
      : student_(std::move(student)),
        teachers_(std::move(teachers)),
        optimizer_(parameters(), torch::optim::SGDOptions(learning_rate).momentum(0.9).weight_decay(1e-4)) {
    for (auto& teacher : teachers_) teacher.encoder->eval();
  }

  /// Empty: nobody.
  void suppress(std::optional<std::size_t> modality) { suppressed_ = modality; }

  double operator()(const g2d::Batch& batch) {
    std::vector<at::Tensor> features, taught_features, taught_logits;
    {
      at::NoGradGuard no_grad;
      for (std::size_t m = 0; m < 2; ++m) {
        taught_features.push_back(teachers_[m].encoder->forward(batch.inputs[m].values));
        taught_logits.push_back(at::linear(taught_features[m], teachers_[m].weight, teachers_[m].bias));
        score_[m] = score(taught_logits[m], batch.target);
      }
    }
    for (std::size_t m = 0; m < 2; ++m) features.push_back(student_[m].encoder->forward(batch.inputs[m].values));
    const auto z = fuse(features);
    auto loss = at::cross_entropy_loss(z, batch.target);
    for (std::size_t m = 0; m < 2; ++m) {
      loss = loss.add(at::mse_loss(features[m], taught_features[m]));
      loss = loss.add(at::kl_div(at::log_softmax(z, 1), at::log_softmax(taught_logits[m], 1), at::Reduction::Sum, true)
                          .mul(1.0 / static_cast<double>(batch.size())));
    }
    optimizer_.zero_grad();
    loss.backward();
    if (suppressed_) {
      for (auto& parameter : student_[*suppressed_].encoder->parameters()) {
        if (parameter.dim() == 4) parameter.mutable_grad().mul_(0);
      }
    }
    optimizer_.step();
    return loss.template item<double>();
  }

  /// How many samples of a batch the student gets right, in evaluation mode.
  [[nodiscard]] std::int64_t num_right(const g2d::Batch& batch) {
    const at::NoGradGuard no_grad;
    for (auto& model : student_) model.encoder->eval();
    const auto z = fuse({student_[0].encoder->forward(batch.inputs[0].values), student_[1].encoder->forward(batch.inputs[1].values)});
    for (auto& model : student_) model.encoder->train();
    return z.argmax(1).eq(batch.target).sum().template item<std::int64_t>();
  }

 private:
  [[nodiscard]] at::Tensor fuse(const std::vector<at::Tensor>& features) const {
    return at::linear(features[0], student_[0].weight, student_[0].bias)
        .add(at::linear(features[1], student_[1].weight, student_[1].bias))
        .div(2.0);
  }

  [[nodiscard]] static double score(const at::Tensor& logits, const at::Tensor& target) {
    const auto probabilities = at::softmax(logits, 1);
    double sum = 0.0;
    for (std::int64_t i = 0; i < logits.size(0); ++i) sum += probabilities[i][target[i].template item<std::int64_t>()].template item<double>();
    return sum;
  }

  [[nodiscard]] std::vector<at::Tensor> parameters() const {
    std::vector<at::Tensor> all;
    for (const auto& model : student_) {
      for (const auto& parameter : model.encoder->parameters()) all.push_back(parameter);
      all.insert(all.end(), {model.weight, model.bias});
    }
    return all;
  }

  std::vector<Model> student_, teachers_;
  std::optional<std::size_t> suppressed_;
  std::array<double, 2> score_{};
  torch::optim::SGD optimizer_;
};

/// A student's encoders and heads of late fusion, for such a step.
template <class Encoder, class Student>
[[nodiscard]] std::vector<typename AuthorsStep<Encoder>::Model> authors_models(const Student& student) {
  const auto heads = student.fusion().parameters();
  std::vector<typename AuthorsStep<Encoder>::Model> models;
  for (std::size_t m = 0; m < 2; ++m) {
    models.push_back({std::static_pointer_cast<Encoder>(student.encoder(m).module()), heads[2 * m].value, heads[2 * m + 1].value});
  }
  return models;
}
