// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/analysis/detail/for_each_batch.hpp>
#include <g2d/analysis/features.hpp>
#include <g2d/core/batch.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/detail/join_present.hpp>
#include <g2d/teacher/teachers.hpp>
#include <g2d/train/detail/mode_scope.hpp>

namespace g2d::analysis {

namespace detail {

/// Batch by batch; features(batch) gives the encoders' and the ones handed on.
template <data::DatasetPolicy Dataset, class FeaturesOf>
[[nodiscard]] Features collect(const Dataset& dataset, const ModalityNames& names, std::int64_t batch_size,
                               at::Device device, const FeaturesOf& features_of) {
  PerModality<std::vector<at::Tensor>> encoded(names.size()), handed_on(names.size());
  std::vector<at::Tensor> target, ids, present;
  for_each_batch(dataset, names, batch_size, device, [&](const Batch& batch, const at::Tensor& /*rows*/) {
    const auto [own, passed] = features_of(batch);
    for (std::size_t m = 0; m < names.size(); ++m) {
      encoded[m].push_back(own[m]);
      handed_on[m].push_back(passed[m]);
    }
    target.push_back(batch.target);
    if (batch.sample_ids.defined()) ids.push_back(batch.sample_ids);
    present.push_back(batch.present);
  });
  const auto joined = [](const std::vector<at::Tensor>& parts) {
    return parts.empty() ? at::Tensor() : at::cat(parts);
  };
  if (ids.size() < target.size()) ids.clear();
  Features features{{}, {}, joined(target), joined(ids), data::detail::join_present(present, target, names.size())};
  for (std::size_t m = 0; m < names.size(); ++m) {
    features.encoded.push_back(joined(encoded[m]));
    features.handed_on.push_back(joined(handed_on[m]));
  }
  return features;
}

}  // namespace detail

/// A student's features of a whole dataset: evaluation mode, no gradients, one pass of the encoders; every module's
/// mode is put back. A sample that lacks a modality has what stands in for its features.
///
/// Cost       one forward pass; 4 sum_m (D_m + H_m) bytes a sample in float32.
/// Errors     ConfigError for a dataset of other modalities.
template <class Student, data::DatasetPolicy Dataset>
  requires(!std::same_as<Student, Teachers>)
[[nodiscard]] Features collect_features(Student& student, const Dataset& dataset, std::int64_t batch_size = 256) {
  at::NoGradGuard no_grad;
  const g2d::detail::ModeScope evaluation(student, /*training=*/false);
  const auto features_of = [&](const Batch& batch) {
    auto encoded = student.encode(batch.inputs, batch.present);
    auto handed_on = student.fuse(encoded).features;
    return std::pair(std::move(encoded), std::move(handed_on));
  };
  return detail::collect(dataset, student.names(), batch_size, student.parameters().front().device(), features_of);
}

/// The teachers' features of the same; each teacher has one kind, which stands for both.
template <data::DatasetPolicy Dataset>
[[nodiscard]] Features collect_features(const Teachers& teachers, const Dataset& dataset,
                                        std::int64_t batch_size = 256) {
  const auto features_of = [&](const Batch& batch) {
    PerModality<at::Tensor> features;
    for (std::size_t m = 0; m < teachers.size(); ++m) {
      features.push_back(teachers[m](without_absent(batch.inputs[m], present_column(batch, m))).features);
    }
    return std::pair(features, features);
  };
  return detail::collect(dataset, teachers.names(), batch_size, teachers[0].options().device(), features_of);
}

}  // namespace g2d::analysis
