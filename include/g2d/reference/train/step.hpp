// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/fusion/concept.hpp>
#include <g2d/reference/method/terms.hpp>
#include <g2d/reference/train/batch.hpp>
#include <g2d/reference/train/sgd.hpp>
#include <g2d/reference/train/student.hpp>
#include <g2d/reference/train/student_gradient.hpp>

namespace g2d::reference::train {

/// One whole training step: forward, loss terms, backward, update. The fusion always learns; an encoder that is not
/// active is truly frozen: neither its parameters nor its velocity change, whatever momentum and weight decay are.
template <FusionPolicy Fusion, class Method>
class Step {
 public:
  using Target = typename Method::Target;

  Step(Student<Fusion> student, Method method, Sgd sgd)
      : student_(std::move(student)), method_(std::move(method)), sgd_(sgd) {
    for (const encoder::LinearTanh& encoder : student_.encoders) velocity_.encoders.push_back(zeros(encoder.layer));
    for (const Linear* layer : student_.head.layers()) velocity_.fusion.push_back(zeros(*layer));
  }

  /// Trains on one batch, the encoders in `active` only, and returns the loss before the update.
  ///
  /// Errors     ConfigError for a modality that does not exist; what student and method throw. Nothing has changed
  /// then.
  method::Terms run(const Batch<Target>& batch, const std::vector<std::size_t>& active) {
    for (const std::size_t m : active) {
      detail::check_index(m, student_.encoders.size(), "active modality", "train::Step");
    }
    const fusion::Output output = student_.forward(batch.inputs);
    const method::Terms terms = method_.terms(output, batch.target, batch.teachers);
    const StudentGradient gradient =
        student_.backward(batch.inputs, method_.gradient(output, batch.target, batch.teachers));

    for (const std::size_t m : active) {
      sgd_.update(student_.encoders[m].layer, velocity_.encoders[m], gradient.encoders[m]);
    }
    const std::vector<Linear*> layers = student_.head.layers();
    for (std::size_t i = 0; i < layers.size(); ++i) sgd_.update(*layers[i], velocity_.fusion[i], gradient.fusion[i]);
    return terms;
  }

  [[nodiscard]] const Student<Fusion>& student() const { return student_; }

  /// The velocities of SGD, in the form of a gradient.
  [[nodiscard]] const StudentGradient& velocity() const { return velocity_; }

 private:
  [[nodiscard]] static Linear zeros(const Linear& like) {
    return {Matrix::Zero(like.weight.rows(), like.weight.cols()), RowVector::Zero(like.bias.size())};
  }

  Student<Fusion> student_;
  Method method_;
  Sgd sgd_;
  StudentGradient velocity_;
};

}  // namespace g2d::reference::train
