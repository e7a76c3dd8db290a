// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <filesystem>

#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/dataset/dataset.hpp>
#include <g2d/dataset/feature_files.hpp>

namespace g2d::dataset {

/// Settings of read_ur_funny.
using UrFunnyOptions = FeatureFilesOptions;

/// Reads UR-Funny, punchlines of TED talks: is the end of this passage funny? Text, audio and vision, two classes.
///
/// Layout     that of read_feature_files, made from the public pickles by tools/convert_features.py; labels 0 and 1.
/// Splits     the release's own folds.
/// Values     the release's GloVe vectors (300), COVAREP (81) and OpenFace (371 or 75) features; standardised (ours).
/// Errors     as read_feature_files; DataError for labels that are no classes; ConfigError unless class_names are two
///            or none.
/// Source     Hasan et al. 2019, arXiv:1904.06618. G2D's authors published no preprocessing for it.
[[nodiscard]] inline Dataset read_ur_funny(const std::filesystem::path& folder, UrFunnyOptions options = {}) {
  if (options.class_names.empty()) options.class_names = {"not funny", "funny"};
  if (options.class_names.size() != 2) {
    throw ConfigError(
        fmt::format("g2d: dataset::read_ur_funny: expected 2 class_names, got {}", options.class_names.size()));
  }
  auto dataset = read_feature_files(folder, options);
  if (dataset.target.kind != OutputKind::Classes) {
    throw DataError(
        fmt::format("g2d: dataset::read_ur_funny: {}: expected labels int64 [N] of 0 and 1, got {} columns of numbers",
                    folder.string(), dataset.target.num_outputs));
  }
  dataset.name = "UR-Funny";
  dataset.description = "UR-Funny; " + dataset.description;
  return dataset;
}

}  // namespace g2d::dataset
