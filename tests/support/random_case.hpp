// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/core/parameter.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/core/teacher_outputs.hpp>

namespace g2d_test {

/// The first names of a fixed list of five.
inline g2d::ModalityNames names(std::size_t num_modalities) {
  const std::vector<std::string> all{"audio", "image", "text", "depth", "touch"};
  return g2d::ModalityNames(
      std::vector<std::string>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(num_modalities)));
}

/// Tensors from a generator of their own: one seed gives the same numbers in every dtype and on every device.
class Random {
 public:
  explicit Random(std::uint64_t seed, at::TensorOptions options = at::kDouble)
      : generator_(g2d::make_generator(seed)), options_(options) {}

  at::Tensor normal(at::IntArrayRef sizes) { return at::randn(sizes, generator_, at::kDouble).to(options_); }

  at::Tensor bits(at::IntArrayRef sizes) { return at::randn(sizes, generator_, at::kDouble).gt(0).to(options_); }

  at::Tensor labels(std::int64_t count, std::int64_t num_classes) {
    return at::randint(num_classes, {count}, generator_, at::kLong).to(options_.device());
  }

  /// In [least, greatest].
  std::int64_t integer(std::int64_t least, std::int64_t greatest) {
    return at::randint(least, greatest + 1, {}, generator_, at::kLong).item<std::int64_t>();
  }

  std::vector<std::int64_t> integers(std::size_t count, std::int64_t least, std::int64_t greatest) {
    std::vector<std::int64_t> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(integer(least, greatest));
    return values;
  }

  g2d::PerModality<at::Tensor> matrices(std::int64_t rows, const std::vector<std::int64_t>& widths) {
    g2d::PerModality<at::Tensor> tensors;
    for (const auto width : widths) tensors.push_back(normal({rows, width}));
    return tensors;
  }

  at::Tensor target(g2d::OutputKind kind, std::int64_t rows, std::int64_t num_outputs) {
    switch (kind) {
      case g2d::OutputKind::Classes:
        return labels(rows, num_outputs);
      case g2d::OutputKind::Labels:
        return bits({rows, num_outputs});
      case g2d::OutputKind::Values:
        break;
    }
    return normal({rows, num_outputs});
  }

  g2d::Batch batch(g2d::OutputKind kind, std::int64_t rows, const std::vector<std::int64_t>& input_widths,
                   std::int64_t num_outputs) {
    g2d::Batch batch;
    for (const auto width : input_widths) batch.inputs.emplace_back(normal({rows, width}));
    batch.target = target(kind, rows, num_outputs);
    return batch;
  }

  /// Confidences are in host memory, as precomputed ones are.
  g2d::TeacherOutputs teachers(std::int64_t rows, const std::vector<std::int64_t>& feature_widths,
                               std::int64_t num_outputs) {
    const std::vector<std::int64_t> logit_widths(feature_widths.size(), num_outputs);
    g2d::TeacherOutputs outputs{matrices(rows, feature_widths), matrices(rows, logit_widths), {}};
    outputs.confidence = at::rand({rows, static_cast<std::int64_t>(feature_widths.size())}, generator_, at::kDouble);
    return outputs;
  }

 private:
  at::Generator generator_;
  at::TensorOptions options_;
};

/// Parameters follow the options; they stay the same variables.
inline void move(const g2d::Parameters& parameters, const at::TensorOptions& options) {
  for (const auto& parameter : parameters) parameter.value.set_data(parameter.value.to(options));
}

}  // namespace g2d_test
