// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/single_modality.hpp>
#include <g2d/encoder/encoder.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/task/concept.hpp>
#include <g2d/teacher/teacher.hpp>
#include <g2d/train/student.hpp>
#include <g2d/train/trainer.hpp>

namespace g2d {

/// A model of one modality: encoder and linear head. A student with M = 1.
using UnimodalModel = BasicStudent<fusion::Late>;

/// Its head follows the encoder's dtype and device.
[[nodiscard]] inline std::shared_ptr<UnimodalModel> make_unimodal_model(const std::string& modality, Encoder encoder,
                                                                        std::int64_t num_outputs) {
  fusion::Late head(FusionShape(ModalityNames({modality}), {encoder.feature_width()}, num_outputs));
  const auto learned = encoder.module()->parameters();
  if (!learned.empty()) {
    for (const auto& parameter : head.parameters()) {
      parameter.value.set_data(parameter.value.to(learned[0].device(), learned[0].scalar_type()));
    }
  }
  return std::make_shared<UnimodalModel>(std::move(head), std::vector<Encoder>{std::move(encoder)});
}

/// A teacher, and how its training went.
struct TrainedTeacher {
  Teacher teacher;
  std::shared_ptr<UnimodalModel> model;  ///< To save: the same weights.
  History history;
  Evaluation validation;  ///< Of the selected weights.
};

namespace detail {

template <class Dataset>
void check_has_samples(const data::SingleModality<Dataset>& samples, const char* which) {
  if (samples.size() > 0) return;
  throw DataError(
      fmt::format("g2d: train_teacher: modality \"{}\": expected {} samples that have it, got none; leave the modality "
                  "out, or split the data anew",
                  samples.names()[0], which));
}

}  // namespace detail

/// Trains a model of modality m with the student's trainer, on the samples of the student's training split that have
/// it, selected on those of the validation split that do, and freezes it.
///
/// Errors     DataError when no sample of a split has the modality; those of Trainer.
template <data::DatasetPolicy Train, data::DatasetPolicy Validation, task::TaskPolicy Task>
[[nodiscard]] TrainedTeacher train_teacher(std::shared_ptr<UnimodalModel> model, const Train& train,
                                           const Validation& validation, std::size_t m, const Task& task,
                                           const TrainerOptions& options) {
  const data::SingleModality one_train(train, m);
  const data::SingleModality one_validation(validation, m);
  detail::check_has_samples(one_train, "training");
  detail::check_has_samples(one_validation, "validation");
  Trainer trainer(*model, method::JointTraining<Task>(task), task, options);
  auto history = trainer.fit(one_train, one_validation);
  auto evaluation = evaluate(*model, one_validation, task, options.evaluation_batch_size);
  return {Teacher::of(model), model, std::move(history), std::move(evaluation)};
}

/// The same for an encoder with a new head.
template <data::DatasetPolicy Train, data::DatasetPolicy Validation, task::TaskPolicy Task>
[[nodiscard]] TrainedTeacher train_teacher(Encoder encoder, const Train& train, const Validation& validation,
                                           std::size_t m, const Task& task, std::int64_t num_outputs,
                                           const TrainerOptions& options) {
  return train_teacher(make_unimodal_model(train.names()[m], std::move(encoder), num_outputs), train, validation, m,
                       task, options);
}

}  // namespace g2d
