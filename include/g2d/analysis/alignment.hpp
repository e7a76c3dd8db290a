// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstddef>
#include <optional>

#include <g2d/analysis/features.hpp>
#include <g2d/analysis/linear_cka.hpp>
#include <g2d/analysis/mean_cosine.hpp>
#include <g2d/analysis/procrustes_distance.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>

namespace g2d::analysis {

/// How close a student's features are to a teacher's.
struct Alignment {
  double linear_cka = 0.0;
  std::optional<double> mean_cosine;  ///< None where the widths differ.
  double procrustes = 0.0;            ///< The squared distance.
};

[[nodiscard]] inline Alignment alignment(const at::Tensor& student, const at::Tensor& teacher) {
  Alignment alignment{linear_cka(student, teacher), {}, procrustes_distance(student, teacher)};
  if (student.size(1) == teacher.size(1)) alignment.mean_cosine = mean_cosine(student, teacher);
  return alignment;
}

/// Each encoder against its teacher, over the samples that have the modality.
///
/// Errors     ConfigError when the two were not collected from the same samples in the same order; ShapeError when
///            fewer than two of them have a modality.
[[nodiscard]] inline PerModality<Alignment> alignment(const Features& student, const Features& teacher) {
  if (student.encoded.size() != teacher.encoded.size()) {
    throw ConfigError(fmt::format("g2d: analysis::alignment: expected a teacher for each of {} modalities, got {}",
                                  student.encoded.size(), teacher.encoded.size()));
  }
  const bool has_ids = student.sample_ids.defined() && teacher.sample_ids.defined();
  if (student.size() != teacher.size() || (has_ids && !student.sample_ids.equal(teacher.sample_ids))) {
    throw ConfigError(
        "g2d: analysis::alignment: expected features of the same samples in the same order, got others; collect both "
        "from one dataset");
  }
  PerModality<Alignment> all;
  for (std::size_t m = 0; m < student.encoded.size(); ++m) {
    const auto own = student.labelled(m).features;
    all.push_back(alignment(own, teacher.labelled(m).features.to(own.device())));
  }
  return all;
}

}  // namespace g2d::analysis
