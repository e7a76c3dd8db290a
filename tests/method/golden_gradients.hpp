// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include <g2d/method/concept.hpp>

#include "support/random_case.hpp"
#include "support/students.hpp"
#include "support/test_directory.hpp"

#include "support/catch.hpp"

/// Golden numbers that make_golden_gradients.py computed in NumPy with gradients written out by hand, and students,
/// batches and runs for the methods that they are of.
namespace g2d_test {

using nlohmann::json;
namespace method = g2d::method;

inline constexpr std::int64_t num_outputs = 4;
inline const std::vector<std::int64_t> input_widths{5, 2, 3, 4};
inline const g2d::optimizer::Sgd golden_sgd{.learning_rate = 0.2, .momentum = 0.0, .weight_decay = 0.0};

inline const json& golden() {
  static const json all = json::parse(std::ifstream(test_directory() / "method" / "golden" / "gradients.json"));
  return all;
}

inline at::Tensor tensor_of(const json& values) {
  if (values.is_boolean()) return at::scalar_tensor(values.get<bool>(), at::kBool);
  if (!values.is_array()) return at::scalar_tensor(values.get<double>(), at::kDouble);
  std::vector<at::Tensor> parts;
  for (const auto& value : values) parts.push_back(tensor_of(value));
  return at::stack(parts);
}

inline bool close(const at::Tensor& given, const json& expected) {
  return given.sizes() == tensor_of(expected).sizes() && at::allclose(given, tensor_of(expected), 1e-9, 1e-11);
}

inline g2d::Batch batch_of(const json& inputs, const json& labels) {
  g2d::Batch batch;
  for (const auto& values : inputs) batch.inputs.emplace_back(tensor_of(values));
  batch.target = tensor_of(labels).to(at::kLong);
  return batch;
}

/// In double precision, with the weights that a golden case begins with.
inline std::shared_ptr<g2d::AnyStudent> golden_student(const json& expected, std::string_view fusion,
                                                       std::string_view readout) {
  const auto modalities = static_cast<std::ptrdiff_t>(expected["modalities"].get<int>());
  const std::vector<std::int64_t> widths{3, 2, 4, 3};
  auto student = make_student(tanh_encoders({input_widths.begin(), input_widths.begin() + modalities},
                                            {widths.begin(), widths.begin() + modalities}),
                              num_outputs, fusion, readout);
  student->to(torch::kDouble);
  const auto parameters = student->parameters();
  REQUIRE(parameters.size() == expected["initial"].size());
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].copy_(tensor_of(expected["initial"][i]));
  return student;
}

inline void check_final(const g2d::AnyStudent& student, const json& expected) {
  const auto parameters = student.named_parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    INFO(parameters[i].key());
    CHECK(close(parameters[i].value().detach(), expected["final"][i]));
  }
}

inline std::shared_ptr<g2d::AnyStudent> double_student(std::string_view fusion, std::size_t modalities = 2) {
  torch::manual_seed(3);
  auto student =
      make_student(tanh_encoders(std::vector<std::int64_t>(modalities, 5), std::vector<std::int64_t>(modalities, 3)),
                   num_outputs, fusion);
  student->to(torch::kDouble);
  return student;
}

inline g2d::Batch random_batch(std::uint64_t number, std::size_t modalities = 2) {
  return Random(number).batch(g2d::OutputKind::Classes, 6, std::vector<std::int64_t>(modalities, 5), num_outputs);
}

/// A run that shows what it is given.
struct ShownRun final : method::Run {
  std::int64_t next = 0;
  std::optional<method::ValidationResult> last;
  method::FeatureTable table;
  const method::StudentView* view = nullptr;

  [[nodiscard]] std::int64_t epoch() const override { return next; }
  [[nodiscard]] std::int64_t num_epochs() const override { return 100; }
  [[nodiscard]] const method::StudentView& student() const override { return *view; }
  [[nodiscard]] const method::ValidationResult* validation() const override { return last ? &*last : nullptr; }
  [[nodiscard]] std::int64_t size(method::Split) const override {
    return table.target.defined() ? table.target.size(0) : 0;
  }
  [[nodiscard]] method::FeatureTable features(method::Split, std::int64_t) override { return table; }
  [[nodiscard]] g2d::Batch batch(method::Split, std::int64_t) override { return {}; }
  [[nodiscard]] method::TrialResult trial(std::int64_t) override { return {}; }
};

}  // namespace g2d_test
