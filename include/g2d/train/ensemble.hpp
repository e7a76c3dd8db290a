// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/readout/any.hpp>
#include <g2d/readout/auto.hpp>
#include <g2d/train/student.hpp>
#include <g2d/train/train_teacher.hpp>

namespace g2d {

using UnimodalModels = std::vector<std::shared_ptr<UnimodalModel>>;

/// What a fusion of unimodal models joins: their modalities in order, their feature widths, their number of outputs.
///
/// Errors     ConfigError for no model, a model of several modalities, two of one modality, or differing numbers of
///            outputs.
[[nodiscard]] inline FusionShape fusion_shape(const UnimodalModels& models) {
  std::vector<std::string> names;
  std::vector<std::int64_t> widths;
  for (const auto& model : models) {
    if (model->num_modalities() != 1) {
      throw ConfigError(fmt::format("g2d: ensemble: expected models of one modality, got one of {} ({})",
                                    model->num_modalities(), model->names().joined()));
    }
    if (model->num_outputs() != models[0]->num_outputs()) {
      throw ConfigError(
          fmt::format("g2d: ensemble: modality \"{}\": expected {} outputs as the model of \"{}\", got {}",
                      model->names()[0], models[0]->num_outputs(), models[0]->names()[0], model->num_outputs()));
    }
    names.push_back(model->names()[0]);
    widths.push_back(model->encoder(0).feature_width());
  }
  ModalityNames modalities(std::move(names));
  return {std::move(modalities), std::move(widths), models[0]->num_outputs()};
}

namespace detail {

/// Parameters and buffers, by name.
[[nodiscard]] inline std::vector<std::pair<std::string, at::Tensor>> named_state(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (const auto& item : module.named_parameters()) state.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) state.emplace_back(item.key(), item.value());
  return state;
}

/// As Module::to, but for tensors that do not hold floating numbers, such as a norm layer's count of batches: they keep
/// their dtype.
inline void move_module(torch::nn::Module& module, const at::TensorOptions& options) {
  const auto dtype = c10::typeMetaToScalarType(options.dtype());
  for (auto& [name, tensor] : named_state(module)) {
    tensor.set_data(tensor.to(options.device(), tensor.is_floating_point() ? dtype : tensor.scalar_type()));
  }
}

/// Values only; both keep their dtype and device. Errors: ConfigError naming the modality where names or shapes differ.
inline void copy_state(const torch::nn::Module& from, const torch::nn::Module& to, const std::string& modality) {
  const auto source = named_state(from);
  const auto target = named_state(to);
  const bool is_alike = std::equal(
      source.begin(), source.end(), target.begin(), target.end(),
      [](const auto& a, const auto& b) { return a.first == b.first && a.second.sizes() == b.second.sizes(); });
  if (!is_alike) {
    throw ConfigError(
        fmt::format("g2d: ensemble: modality \"{}\": expected make_encoder to give an encoder like the model's, got "
                    "another architecture",
                    modality));
  }
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < target.size(); ++i) target[i].second.copy_(source[i].second);
}

/// Copies of the models' encoders in a new student, in evaluation mode and on the first model's device.
template <class MakeEncoder>
[[nodiscard]] std::shared_ptr<AnyStudent> with_copied_encoders(const UnimodalModels& models,
                                                               const MakeEncoder& make_encoder, fusion::Any fusion,
                                                               readout::Any readout) {
  std::vector<Encoder> encoders;
  for (std::size_t m = 0; m < models.size(); ++m) encoders.push_back(make_encoder(m));
  auto student = std::make_shared<AnyStudent>(std::move(fusion), std::move(encoders), std::move(readout));
  move_module(*student, models[0]->parameters().front().options());
  for (std::size_t m = 0; m < models.size(); ++m) {
    copy_state(*models[m]->encoder(0).module(), *student->encoder(m).module(), student->names()[m]);
  }
  student->eval();
  return student;
}

}  // namespace detail

/// A student that is the mean of trained unimodal models' outputs, without any training of its own (UME, a logit
/// ensemble).
///
///     z = (1/M) sum_m (W_m h_m + b_m), encoders and heads those of the models
///
/// Use when   unimodal features dominate: what M models know apart is the least that a multimodal one has to beat.
/// Gives      deep copies in a `fusion::Late`: training one changes none of the other. `make_encoder(m)` makes an
///            encoder like that of model m; its weights do not matter, for the model's are copied into it.
/// Shapes     M is the number of models, in their order.
/// Errors     those of `fusion_shape`; ConfigError for an encoder of another architecture.
/// Source     UME in Du et al. 2023, arXiv:2305.01233.
template <class MakeEncoder>
[[nodiscard]] std::shared_ptr<AnyStudent> make_ensemble(const UnimodalModels& models, const MakeEncoder& make_encoder) {
  fusion::Late late(fusion_shape(models));
  auto student = detail::with_copied_encoders(models, make_encoder, late, readout::Auto());
  const auto heads = late.parameters();
  const at::NoGradGuard no_grad;
  std::size_t next = 0;
  for (const auto& model : models) {
    for (const auto& parameter : model->fusion().parameters()) heads[next++].value.copy_(parameter.value);
  }
  return student;
}

/// A student on trained unimodal models: copies of their encoders, frozen, under a new fusion that is to be trained.
///
///     auto student = make_student_of_teachers(models, make_encoder, fusion::Concat(fusion_shape(models)));
///     Trainer(*student, method::JointTraining<Task>(), Task(), options).fit(train, validation);
///
/// No parameter of the encoders requires a gradient, and `Trainer` leaves them in evaluation mode.
///
/// Use when   the worth of a fusion is asked for, apart from what the encoders learn of each other.
/// Gives      deep copies, as `make_ensemble` does.
/// Errors     those of `make_ensemble`; ConfigError for a fusion of another shape than `fusion_shape(models)`.
template <class MakeEncoder>
[[nodiscard]] std::shared_ptr<AnyStudent> make_student_of_teachers(const UnimodalModels& models,
                                                                   const MakeEncoder& make_encoder, fusion::Any fusion,
                                                                   readout::Any readout = readout::Auto()) {
  const auto expected = fusion_shape(models);
  const auto& shape = fusion.shape();
  if (!(shape.names() == expected.names()) || shape.feature_widths() != expected.feature_widths() ||
      shape.num_outputs() != expected.num_outputs()) {
    throw ConfigError(
        fmt::format("g2d: make_student_of_teachers: expected a fusion of the models' modalities ({}), feature widths "
                    "and {} outputs, got one "
                    "of ({}) and {} outputs; make it with fusion_shape(models)",
                    expected.names().joined(), expected.num_outputs(), shape.names().joined(), shape.num_outputs()));
  }
  auto student = detail::with_copied_encoders(models, make_encoder, std::move(fusion), std::move(readout));
  for (std::size_t m = 0; m < student->num_modalities(); ++m) {
    for (auto& parameter : student->encoder(m).module()->parameters()) parameter.requires_grad_(false);
  }
  return student;
}

}  // namespace g2d
