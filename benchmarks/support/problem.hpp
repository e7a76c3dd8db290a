// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/teacher_outputs.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/encoder/encoder.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/encoder/small_cnn.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/readout/exact_split.hpp>
#include <g2d/train/detail/mode_scope.hpp>
#include <g2d/train/student.hpp>

inline constexpr std::int64_t bench_classes = 10;

[[nodiscard]] inline g2d::ModalityNames bench_names() { return {"audio", "image"}; }

/// Audio 1x112x112 and image 1x28x28 under ResNet-18: the sizes of AV-MNIST. Each has the layout in which plain layers
/// are quickest.
struct ResNetProblem {
  using Encoder = g2d::encoder::ResNet18;
  static constexpr const char* name = "ResNet-18, 1x112x112 + 1x28x28";
  static std::shared_ptr<Encoder> make_encoder(std::size_t m) {
    return std::make_shared<Encoder>(g2d::encoder::ResNet18Options{.in_channels = 1, .channels_last = m == 0});
  }
  static std::vector<std::int64_t> input_sizes(std::size_t m) {
    return m == 0 ? std::vector<std::int64_t>{1, 112, 112} : std::vector<std::int64_t>{1, 28, 28};
  }
};

/// The same inputs under the small CNN.
struct CnnProblem {
  using Encoder = g2d::encoder::SmallCnn;
  static constexpr const char* name = "small CNN, 1x112x112 + 1x28x28";
  static std::shared_ptr<Encoder> make_encoder(std::size_t) { return std::make_shared<Encoder>(); }
  static std::vector<std::int64_t> input_sizes(std::size_t m) { return ResNetProblem::input_sizes(m); }
};

/// Two tiny networks, so that what is not arithmetic shows.
struct MlpProblem {
  using Encoder = g2d::encoder::Mlp;
  static constexpr const char* name = "MLP, 32-64-32 each";
  static std::shared_ptr<Encoder> make_encoder(std::size_t) {
    return std::make_shared<Encoder>(g2d::encoder::MlpOptions{.in_features = 32, .hidden = {64}, .feature_width = 32});
  }
  static std::vector<std::int64_t> input_sizes(std::size_t) { return {32}; }
};

template <class Problem>
using BenchStudent = g2d::Student<g2d::fusion::Late, typename Problem::Encoder, typename Problem::Encoder>;

template <class Problem>
[[nodiscard]] std::shared_ptr<BenchStudent<Problem>> make_bench_student() {
  at::manual_seed(0);
  auto audio = Problem::make_encoder(0);
  auto image = Problem::make_encoder(1);
  return std::make_shared<BenchStudent<Problem>>(bench_names(), bench_classes, audio, image);
}

/// A run-time student with these encoders, in this arithmetic.
[[nodiscard]] inline std::shared_ptr<g2d::AnyStudent> make_resnet_student(
    const std::vector<std::shared_ptr<g2d::encoder::ResNet18>>& modules,
    g2d::Precision precision = g2d::Precision::Full) {
  std::vector<g2d::Encoder> encoders;
  for (const auto& module : modules) encoders.emplace_back(module, g2d::EncoderOptions{.precision = precision});
  const auto width = encoders[0].feature_width();
  const g2d::FusionShape shape(bench_names(), {width, width}, bench_classes);
  return std::make_shared<g2d::AnyStudent>(g2d::fusion::Late(shape), std::move(encoders), g2d::readout::ExactSplit());
}

template <class Problem>
[[nodiscard]] g2d::Batch make_bench_batch(std::int64_t size) {
  g2d::Batch batch;
  for (std::size_t m = 0; m < 2; ++m) {
    auto sizes = Problem::input_sizes(m);
    sizes.insert(sizes.begin(), size);
    batch.inputs.emplace_back(at::randn(sizes));
  }
  batch.target = at::randint(bench_classes, {size}, at::kLong);
  return batch;
}

template <class Problem>
[[nodiscard]] g2d::data::InMemory make_bench_dataset(std::int64_t size) {
  auto samples = make_bench_batch<Problem>(size);
  return {bench_names(), std::move(samples.inputs), std::move(samples.target)};
}

template <class Student>
[[nodiscard]] g2d::TeacherOutputs make_bench_teachers(const Student& student, std::int64_t size) {
  g2d::TeacherOutputs outputs;
  for (std::size_t m = 0; m < student.num_modalities(); ++m) {
    outputs.features.push_back(at::randn({size, student.handed_on_width(m)}));
    outputs.logits.push_back(at::randn({size, bench_classes}));
  }
  return outputs;
}

/// What a stage knows of an encoder that is held back.
template <class Student>
[[nodiscard]] at::Tensor features_in_evaluation(const Student& student, std::size_t m, const g2d::Batch& batch) {
  const at::NoGradGuard no_grad;
  const g2d::detail::ModeScope evaluation(*student.encoder(m).module(), /*training=*/false);
  return student.encode_present(m, batch.inputs[m], batch.present);
}

template <class Student>
[[nodiscard]] g2d::TeacherSummary make_bench_summary(const Student& student, g2d::PerModality<double> confidence) {
  g2d::PerModality<std::int64_t> widths;
  for (std::size_t m = 0; m < student.num_modalities(); ++m) widths.push_back(student.handed_on_width(m));
  return {std::move(widths), bench_classes, std::move(confidence)};
}
