// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>

#include <g2d/core/error.hpp>
#include <g2d/io/idx.hpp>

namespace g2d::dataset {

/// Images and their classes.
struct LabelledImages {
  at::Tensor images;  ///< float32 [N, 1, H, W], 0 to 1.
  at::Tensor labels;  ///< int64 [N].
};

/// Reads an IDX file of images [N, H, W] and the IDX file of their labels [N], both plain or gzip.
///
/// Errors     DataError naming the file: all of io::read_idx, differing counts, a label that is no digit.
[[nodiscard]] inline LabelledImages read_labelled_images(const std::filesystem::path& image_file,
                                                         const std::filesystem::path& label_file) {
  constexpr std::int64_t num_classes = 10;
  const auto images = io::read_idx(image_file, 3);
  const auto labels = io::read_idx(label_file, 1).to(at::kLong);
  if (labels.size(0) != images.size(0)) {
    throw DataError(
        fmt::format("g2d: dataset::read_labelled_images: {}: expected {} labels, one for each image in {}, got {}",
                    label_file.string(), images.size(0), image_file.string(), labels.size(0)));
  }
  if (const auto largest = labels.max().item<std::int64_t>(); largest >= num_classes) {
    throw DataError(fmt::format("g2d: dataset::read_labelled_images: {}: expected labels from 0 to {}, got {}",
                                label_file.string(), num_classes - 1, largest));
  }
  return {images.unsqueeze(1).to(at::kFloat).div_(255), labels};
}

}  // namespace g2d::dataset
