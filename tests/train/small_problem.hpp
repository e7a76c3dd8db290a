// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <g2d/data/in_memory.hpp>
#include <g2d/method/any.hpp>
#include <g2d/method/prioritization.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/trainer.hpp>

#include "support/random_case.hpp"
#include "support/students.hpp"
#include "support/tiny_encoders.hpp"

namespace g2d_test {

inline constexpr std::int64_t num_classes = 3;
inline constexpr std::int64_t input_width = 4;

/// One centre for each class and modality, the same in every split, and noise of the split's own.
inline g2d::data::InMemory blobs(std::int64_t num_samples, std::uint64_t split, std::size_t num_modalities = 2,
                                 at::TensorOptions options = at::kFloat) {
  Random centres(1, options);
  Random noise(100 + split, options);
  const auto labels = torch::arange(num_samples).remainder(num_classes);
  g2d::PerModality<g2d::Input> inputs;
  for (std::size_t m = 0; m < num_modalities; ++m) {
    const auto centre = centres.normal({num_classes, input_width}).mul(2.0);
    inputs.emplace_back(centre.index_select(0, labels) + noise.normal({num_samples, input_width}));
  }
  return g2d::data::InMemory(names(num_modalities), std::move(inputs), labels);
}

/// A dataset as a user writes it: samples come through a function, and nothing is known of all of them.
struct LazyDataset {
  const g2d::data::InMemory& samples;
  std::function<void(g2d::Batch&)> change = {};
  bool deterministic = true;

  [[nodiscard]] const g2d::ModalityNames& names() const { return samples.names(); }
  [[nodiscard]] std::int64_t size() const { return samples.size(); }
  [[nodiscard]] bool is_deterministic() const { return deterministic; }
  [[nodiscard]] std::string fingerprint() const { return samples.fingerprint(); }
  [[nodiscard]] g2d::Batch batch(const at::Tensor& rows) const {
    auto batch = samples.batch(rows);
    if (change) change(batch);
    return batch;
  }
};

/// Puts NaN into the input of one sample.
inline std::function<void(g2d::Batch&)> poison(std::size_t m, std::int64_t id) {
  return [m, id](g2d::Batch& batch) {
    auto& values = batch.inputs[m].values;
    values = values.masked_fill(batch.sample_ids.eq(id).unsqueeze(1), std::nan(""));
  };
}

/// Labels under which the student is right about so many samples in its e-th epoch: the scores of a run, prescribed.
inline std::function<void(g2d::Batch&)> scripted_scores(g2d::AnyStudent& student, std::vector<std::int64_t> num_right,
                                                        const std::int64_t& epoch) {
  return [&student, num_right = std::move(num_right), &epoch](g2d::Batch& batch) {
    const auto says = student.forward(batch.inputs).argmax(1);
    const auto is_right = batch.sample_ids.lt(num_right.at(static_cast<std::size_t>(epoch)));
    batch.target = torch::where(is_right, says, says.add(1).remainder(num_classes));
  };
}

inline std::vector<g2d::Encoder> norm_dropout_encoders(std::size_t num_modalities) {
  std::vector<g2d::Encoder> encoders;
  for (std::size_t m = 0; m < num_modalities; ++m) encoders.emplace_back(std::make_shared<NormDropout>(input_width));
  return encoders;
}

/// A student with a norm layer and dropout in every encoder.
inline std::shared_ptr<g2d::AnyStudent> norm_dropout_student(std::uint64_t seed, std::size_t num_modalities = 2) {
  torch::manual_seed(seed);
  return make_student(norm_dropout_encoders(num_modalities), num_classes);
}

inline NormDropout& norm_dropout(const g2d::AnyStudent& student, std::size_t m) {
  return dynamic_cast<NormDropout&>(*student.encoder(m).module());
}

/// Supervised training, each modality alone for its number of epochs, then all; no teachers.
template <class Suppression = g2d::suppression::Complete>
g2d::method::Any in_stages(std::vector<std::int64_t> stage_epochs, Suppression suppression = Suppression()) {
  g2d::schedule::Sequential<Suppression> schedule(
      {.stage_epochs = std::move(stage_epochs), .order = g2d::schedule::Order::Declared}, suppression);
  return g2d::method::Stack(g2d::method::Supervised<g2d::task::Classification>(),
                            g2d::method::Prioritization<g2d::schedule::Sequential<Suppression>>(std::move(schedule)));
}

/// One instantiation serves most tests: compiling is what costs.
using AnyTrainer = g2d::Trainer<g2d::AnyStudent, g2d::method::Any, g2d::task::Classification>;

inline AnyTrainer make_trainer(g2d::AnyStudent& student, g2d::method::Any method, g2d::TrainerOptions options,
                               std::optional<g2d::TeacherSource> teachers = {}) {
  return AnyTrainer(student, std::move(method), g2d::task::Classification(), std::move(options), std::move(teachers));
}

inline g2d::method::Any joint() { return g2d::method::Supervised<g2d::task::Classification>(); }

}  // namespace g2d_test
