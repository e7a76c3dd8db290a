// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/DeviceAccelerator.h>
#include <torch/torch.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <g2d/check/compare.hpp>

#include "support/policy_lists.hpp"
#include "support/random_case.hpp"
#include "support/students.hpp"
#include "support/tiny_encoders.hpp"

/// Students of two modalities, batches and teachers' outputs for the tests of one step.
namespace g2d_test {

using g2d::OutputKind;
using Names = std::vector<std::string>;

inline constexpr std::int64_t num_samples = 6;
inline constexpr std::int64_t num_outputs = 4;
inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline const std::vector<std::int64_t> input_widths{5, 2};
inline const g2d::TeacherSummary summary{{3, 3}, num_outputs, {0.8, 0.4}};
inline const g2d::optimizer::Sgd plain_sgd{.learning_rate = 1.0, .momentum = 0.0, .weight_decay = 0.0};

using g2d::check::compare;

/// Audio with batch norm and dropout, image without.
inline std::shared_ptr<g2d::AnyStudent> mixed_student(std::string_view fusion = "late",
                                                      g2d::StudentOptions options = {}) {
  torch::manual_seed(1);
  const auto audio = std::make_shared<NormDropout>(input_widths[0]);
  const auto image = linear_tanh(input_widths[1], 3);
  auto student = make_student({audio, image}, num_outputs, fusion, "auto", options);
  student->train();
  return student;
}

inline std::shared_ptr<g2d::AnyStudent> plain_student(std::string_view fusion = "late",
                                                      std::string_view readout = "auto",
                                                      g2d::StudentOptions options = {}) {
  torch::manual_seed(2);
  return make_student(tanh_encoders(input_widths, {3, 3}), num_outputs, fusion, readout, options);
}

inline g2d::Batch batch(std::uint64_t number, OutputKind kind = OutputKind::Classes) {
  return Random(number, torch::kFloat).batch(kind, num_samples, input_widths, num_outputs);
}

inline g2d::TeacherOutputs teachers(std::uint64_t number) {
  return Random(1000 + number, torch::kFloat).teachers(num_samples, {3, 3}, num_outputs);
}

using Classification = task::Classification;
using Regression = task::Regression;

inline at::Device accelerator() {
  return {at::accelerator::getAccelerator(/*checked=*/true).value(), at::accelerator::getDeviceIndex()};
}

/// One step with dropout that depends on the number alone.
inline g2d::StepResult take(AnyStep& step, const g2d::Batch& samples, const g2d::TeacherOutputs* outputs,
                            std::uint64_t number) {
  torch::manual_seed(number);
  return step(samples, outputs);
}

inline at::Tensor with(const at::Tensor& tensor, double value) {
  auto changed = tensor.clone();
  changed[1][0] = value;
  return changed;
}

}  // namespace g2d_test
