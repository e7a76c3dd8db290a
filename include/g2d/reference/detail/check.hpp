// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Core>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::detail {

[[nodiscard]] inline std::string shape_of(const Matrix& matrix) {
  return "[" + std::to_string(matrix.rows()) + ", " + std::to_string(matrix.cols()) + "]";
}

inline void check_shape(const Matrix& matrix, Eigen::Index rows, Eigen::Index columns, const std::string& where) {
  if (matrix.rows() != rows || matrix.cols() != columns) {
    throw ShapeError("g2d: reference::" + where + ": expected [" + std::to_string(rows) + ", " +
                     std::to_string(columns) + "], got " + shape_of(matrix));
  }
}

inline void check_count(std::size_t given, std::size_t expected, const std::string& what, const std::string& where) {
  if (given != expected) {
    throw ShapeError("g2d: reference::" + where + ": expected " + std::to_string(expected) + " " + what + ", got " +
                     std::to_string(given));
  }
}

/// At least `fewest` modalities, and for each one a matrix of the width that the fusion was built for.
inline void check_features(const PerModality& features, const std::vector<Eigen::Index>& widths, std::size_t fewest,
                           const std::string& where) {
  if (widths.size() < fewest) {
    throw ConfigError("g2d: reference::" + where + ": expected at least " + std::to_string(fewest) +
                      " modalities, got " + std::to_string(widths.size()));
  }
  check_count(features.size(), widths.size(), "modalities", where);
  for (std::size_t m = 0; m < widths.size(); ++m) {
    check_shape(features[m], features.front().rows(), widths[m],
                where + ": modality " + std::to_string(m) + " of " + std::to_string(widths.size()));
  }
}

inline void check_index(std::size_t index, std::size_t count, const std::string& what, const std::string& where) {
  if (index >= count) {
    throw ConfigError("g2d: reference::" + where + ": expected " + what + " below " + std::to_string(count) + ", got " +
                      std::to_string(index));
  }
}

inline void check_positive(double value, const std::string& what, const std::string& where) {
  if (!(value > 0.0)) {
    throw ConfigError("g2d: reference::" + where + ": expected " + what + " > 0, got " + std::to_string(value));
  }
}

/// One label for each row, each a column of `logits`.
inline void check_labels(const Matrix& logits, const Labels& labels, const std::string& where) {
  check_count(labels.size(), static_cast<std::size_t>(logits.rows()), "labels", where);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= logits.cols()) {
      throw DataError("g2d: reference::" + where + ": sample " + std::to_string(i) + ": expected a label in [0, " +
                      std::to_string(logits.cols()) + "), got " + std::to_string(labels[i]));
    }
  }
}

}  // namespace g2d::reference::detail
