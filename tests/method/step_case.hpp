// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/random_case.hpp"
#include "support/students.hpp"
#include "train/small_problem.hpp"

/// Students in double precision and batches for the tests of the steps that a method takes.
namespace g2d_test {

using g2d::OutputKind;

inline constexpr std::int64_t batch_size = 6;
inline constexpr std::int64_t width = 3;
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline const g2d::optimizer::Sgd plain_sgd{.learning_rate = 0.5, .momentum = 0.0, .weight_decay = 0.0};
inline const g2d::optimizer::Sgd heavy_sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01};

inline std::vector<std::int64_t> many(std::size_t count, std::int64_t value) {
  return std::vector<std::int64_t>(count, value);
}

inline std::shared_ptr<g2d::AnyStudent> student_with(std::string_view fusion, std::size_t num_modalities = 2,
                                                     at::ScalarType dtype = at::kDouble) {
  torch::manual_seed(4);
  auto student =
      make_student(tanh_encoders(many(num_modalities, input_width), many(num_modalities, width)), num_classes, fusion);
  student->to(dtype);
  return student;
}

inline g2d::Batch batch(std::uint64_t number, std::size_t num_modalities = 2) {
  auto samples = Random(number).batch(OutputKind::Classes, batch_size, many(num_modalities, input_width), num_classes);
  samples.sample_ids = torch::arange(batch_size).mul(5).add(static_cast<std::int64_t>(number));
  return samples;
}

/// The first modality is missing in the samples 1 and 4, and what stands there is not a number.
inline g2d::Batch batch_with_gaps(std::uint64_t number, std::size_t num_modalities = 2) {
  auto samples = batch(number, num_modalities);
  samples.present = torch::ones({batch_size, static_cast<std::int64_t>(num_modalities)}, torch::kBool);
  for (const std::int64_t row : {1, 4}) {
    samples.present[row][0] = false;
    samples.inputs[0].values[row] = not_a_number;
  }
  return samples;
}

inline at::Tensor parameter(const g2d::AnyStudent& student, const std::string& name) {
  return student.named_parameters()[name];
}

inline at::Tensor task_by_hand(g2d::AnyStudent& student, const g2d::Batch& samples) {
  return torch::nn::functional::cross_entropy(student.forward(samples.inputs), samples.target);
}

}  // namespace g2d_test
