// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include <g2d/analysis/alignment.hpp>
#include <g2d/analysis/collect_features.hpp>
#include <g2d/analysis/evaluate_subsets.hpp>
#include <g2d/analysis/evaluate_under_noise.hpp>
#include <g2d/analysis/imbalance_degree.hpp>
#include <g2d/analysis/linear_probe.hpp>
#include <g2d/analysis/principal_components.hpp>
#include <g2d/analysis/shapley_values.hpp>
#include <g2d/analysis/subset_game.hpp>
#include <g2d/data/any.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/data/subset.hpp>
#include <g2d/metrics/metric.hpp>
#include <g2d/teacher/teachers.hpp>

[[nodiscard]] inline nlohmann::json to_json(const g2d::metrics::Metrics& metrics) {
  nlohmann::json all;
  for (const auto& metric : metrics) all[metric.name] = metric.value;
  return all;
}

/// The first samples of a dataset, for what needs no more of them.
[[nodiscard]] inline g2d::data::Any first_of(const g2d::data::Any& dataset, std::int64_t most) {
  return g2d::data::Subset(dataset, at::arange(std::min(dataset.size(), most), at::kLong));
}

/// False for a student that has diverged, of which there is no more to say.
[[nodiscard]] inline bool are_finite(const g2d::analysis::LabelledFeatures& samples) {
  return at::isfinite(samples.features).all().item<bool>();
}

/// What each encoder's features let a new linear model say, fitted on training samples and chosen on validation.
template <class Student, class Task>
[[nodiscard]] nlohmann::json probe_encoders(Student& student, const g2d::data::Splits<g2d::data::Any>& splits,
                                            const Task& task) {
  constexpr std::int64_t most = 4000;
  const auto train = g2d::analysis::collect_features(student, first_of(splits.train, most));
  const auto validation = g2d::analysis::collect_features(student, splits.validation);
  const auto test = g2d::analysis::collect_features(student, splits.test);
  auto all = nlohmann::json::object();
  for (std::size_t m = 0; m < student.num_modalities(); ++m) {
    if (!are_finite(train.labelled(m)) || !are_finite(validation.labelled(m)) || !are_finite(test.labelled(m)))
      continue;
    const auto probe = g2d::analysis::linear_probe(train.labelled(m), validation.labelled(m), test.labelled(m), task,
                                                   student.num_outputs());
    all[student.names()[m]] = to_json(probe.test);
  }
  return all;
}

/// Every subset of modalities on the test split, the Shapley values of the game that they make, and its imbalance.
template <class Student, class Task>
void add_subsets(nlohmann::json& out, Student& student, const g2d::data::Any& test, const Task& task) {
  const auto subsets = g2d::analysis::evaluate_subsets(student, test, task);
  const auto shapley = g2d::analysis::shapley_values(g2d::analysis::subset_game(subsets));
  const auto& names = student.names();
  for (std::size_t subset = 0; subset < subsets.size(); ++subset) {
    auto modalities = nlohmann::json::array();
    for (std::size_t m = 0; m < names.size(); ++m) {
      if ((subset >> m & 1U) != 0) modalities.push_back(names[m]);
    }
    out["subsets"].push_back({{"modalities", modalities}, {"metric", to_json(subsets[subset])}});
  }
  for (std::size_t m = 0; m < names.size(); ++m) out["shapley"][names[m]] = shapley[m];
  if (names.size() < 2) return;
  const auto degree = g2d::analysis::imbalance_degree(shapley);
  out["imbalance"] = {{"degree", degree.absolute}, {"normalised", degree.normalized}};
}

/// The test split under growing noise on one modality after the other, in units of its own standard deviation.
template <class Student, class Task>
[[nodiscard]] nlohmann::json noise_robustness(Student& student, const g2d::data::Any& test, const Task& task,
                                              std::uint64_t seed) {
  constexpr std::array<double, 4> levels{0.25, 0.5, 1.0, 2.0};
  auto all = nlohmann::json::array();
  for (std::size_t m = 0; m < student.num_modalities(); ++m) {
    const auto by_level = g2d::analysis::evaluate_under_noise(student, test, task, m, levels, {.seed = seed});
    for (std::size_t i = 0; i < levels.size(); ++i) {
      all.push_back({{"modality", student.names()[m]}, {"level", levels[i]}, {"metric", to_json(by_level[i])}});
    }
  }
  return all;
}

[[nodiscard]] inline nlohmann::json to_json(const g2d::analysis::Alignment& alignment, std::int64_t epoch) {
  nlohmann::json point{{"epoch", epoch}, {"linear_cka", alignment.linear_cka}, {"procrustes", alignment.procrustes}};
  if (alignment.mean_cosine) point["mean_cosine"] = *alignment.mean_cosine;
  return point;
}

/// Features of some test samples in the plane in which they vary most, with the class or value of each.
[[nodiscard]] inline nlohmann::json plane(const at::Tensor& features, const at::Tensor& target) {
  const auto scores = g2d::analysis::principal_components(features, 2).project(features).cpu();
  const auto labels = (target.dim() == 1 ? target : target.select(1, 0)).to(at::kDouble).cpu();
  auto points = nlohmann::json::array();
  const auto round = [](double value) { return std::round(value * 1e4) / 1e4; };
  for (std::int64_t i = 0; i < scores.size(0); ++i) {
    points.push_back(
        {round(scores[i][0].item<double>()), round(scores[i][1].item<double>()), labels[i].item<double>()});
  }
  return points;
}

template <class Student>
[[nodiscard]] nlohmann::json planes(Student& student, const g2d::Teachers& teachers, const g2d::data::Any& test) {
  constexpr std::int64_t most = 300;
  const auto some = first_of(test, most);
  const auto own = g2d::analysis::collect_features(student, some);
  const auto taught = g2d::analysis::collect_features(teachers, some);
  nlohmann::json all;
  for (std::size_t m = 0; m < student.num_modalities(); ++m) {
    const auto mine = own.labelled(m);
    if (mine.features.size(0) < 3 || !are_finite(mine)) continue;
    all[student.names()[m]] = {{"student", plane(mine.features, mine.target)},
                               {"teacher", plane(taught.labelled(m).features, mine.target)}};
  }
  return all;
}
