// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/fusion/concept.hpp>

/// The parts of a student, called directly: encoders and a fusion's arithmetic.
template <class Encoder, g2d::fusion::FusionPolicy Fusion>
struct FusedModel {
  std::vector<std::shared_ptr<Encoder>> encoders;
  Fusion fusion;

  [[nodiscard]] g2d::fusion::Output forward(const g2d::Batch& batch) const {
    g2d::PerModality<at::Tensor> features;
    for (std::size_t m = 0; m < encoders.size(); ++m) features.push_back(encoders[m]->forward(batch.inputs[m].values));
    return fusion.forward(features);
  }

  [[nodiscard]] std::vector<at::Tensor> parameters() const {
    std::vector<at::Tensor> all;
    for (const auto& encoder : encoders) {
      for (const auto& parameter : encoder->parameters()) all.push_back(parameter);
    }
    for (const auto& parameter : fusion.parameters()) all.push_back(parameter.value);
    return all;
  }
};

/// An encoder and its head: a teacher, or a modality of a student with late fusion.
template <class Encoder>
struct UnimodalModel {
  std::shared_ptr<Encoder> encoder;
  at::Tensor weight, bias;
};

/// Encoders and heads of a student with late fusion.
template <class Encoder, class Student>
[[nodiscard]] std::vector<UnimodalModel<Encoder>> unimodal_models_of(const Student& student) {
  const auto heads = student.fusion().parameters();
  std::vector<UnimodalModel<Encoder>> models;
  for (std::size_t m = 0; m < student.num_modalities(); ++m) {
    models.push_back(
        {std::static_pointer_cast<Encoder>(student.encoder(m).module()), heads[2 * m].value, heads[2 * m + 1].value});
  }
  return models;
}

/// The parts of a student.
template <class Encoder, class Student>
[[nodiscard]] auto model_of(const Student& student) {
  FusedModel<Encoder, std::decay_t<decltype(student.fusion())>> model{{}, student.fusion()};
  for (std::size_t m = 0; m < student.num_modalities(); ++m) {
    model.encoders.push_back(std::static_pointer_cast<Encoder>(student.encoder(m).module()));
  }
  return model;
}
