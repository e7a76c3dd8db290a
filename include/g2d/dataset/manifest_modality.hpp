// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include <g2d/dataset/table_columns.hpp>
#include <g2d/transform/spectrogram.hpp>

namespace g2d::dataset {

/// JPEG or PNG files: [3, size, size], normalised by ImageNet's statistics.
struct ImageFiles {
  std::string column = {};  ///< Of the manifest: paths.
  std::int64_t size = 224;  ///< Pixels, height and width, whatever the aspect ratio was.
};

/// Recordings: log-spectrograms [1, n_fft / 2 + 1, T].
struct AudioFiles {
  std::string column = {};
  std::int64_t sample_rate = 16000;
  double seconds =
      3;  ///< Shorter recordings are repeated; longer ones are cut behind, and counted by io::read_warnings().
  transform::SpectrogramOptions spectrogram{.n_fft = 512, .hop = 256};
};

/// Sequences [T, D] (or [T]: D = 1) of different lengths: .npy; .npz; .csv with a row for each step, whose first line
/// names the columns, or is a step where all of it is numbers.
struct SequenceFiles {
  std::string column = {};
  std::string member = {};                   ///< Which array of an .npz; may be empty where it holds one.
  std::optional<std::int64_t> max_length{};  ///< Longer sequences keep their last steps.
  bool standardizes = false;                 ///< Each feature, by the training split, which is read once for it.
};

/// Arrays of one shape: .npy.
struct TensorFiles {
  std::string column = {};
  /// Each position of the last dimension, by the training split, which is read once for it.
  bool standardizes = false;
};

/// One modality of a manifest.
struct ManifestModality {
  std::string name;
  std::variant<ImageFiles, AudioFiles, SequenceFiles, TensorFiles, TableColumns> content;
};

}  // namespace g2d::dataset
