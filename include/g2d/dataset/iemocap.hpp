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

/// Settings of read_iemocap. Class names go by the numbers in the files: only who made them knows.
using IemocapOptions = FeatureFilesOptions;

/// Reads IEMOCAP, emotions in acted dialogues: text, audio and vision; four or six classes, or several emotions at
/// once.
///
/// Layout     that of read_feature_files, made from the pickles in circulation by tools/convert_features.py. Labels
///            int64 [N]: classes; [N, C] of 0 and 1: each emotion is there or not. In iemocap_data.pkl of the
///            Multimodal Transformer these are neutral, happy, sad, angry; `--single-label` of the converter makes
///            classes of them.
/// Splits     the files'.
/// Values     as distributed; standardised (ours).
/// Errors     as read_feature_files; DataError for labels that are neither.
/// Source     Busso et al. 2008. G2D's authors published no preprocessing for it.
[[nodiscard]] inline Dataset read_iemocap(const std::filesystem::path& folder, const IemocapOptions& options = {}) {
  auto dataset = read_feature_files(folder, options);
  if (dataset.target.kind == OutputKind::Values) {
    throw DataError(fmt::format(
        "g2d: dataset::read_iemocap: {}: expected labels int64 [N], or [N, C] of 0 and 1, got other numbers",
        folder.string()));
  }
  dataset.name = "IEMOCAP";
  dataset.description = "IEMOCAP; " + dataset.description;
  return dataset;
}

}  // namespace g2d::dataset
