// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/dataset/labelled_images.hpp>

namespace g2d::dataset {

/// Handwritten digits in the two parts in which MNIST is published.
struct Mnist {
  LabelledImages train;
  LabelledImages test;
};

namespace detail {

[[nodiscard]] inline std::filesystem::path find_idx_file(const std::filesystem::path& directory,
                                                         const std::string& name) {
  for (const auto* suffix : {"", ".gz"}) {
    const auto path = directory / (name + suffix);
    if (std::filesystem::is_regular_file(path)) return path;
  }
  throw DataError(fmt::format("g2d: dataset::read_mnist: {}: expected a file {} or {}.gz, got neither",
                              directory.string(), name, name));
}

[[nodiscard]] inline LabelledImages read_mnist_part(const std::filesystem::path& directory, const std::string& part) {
  const auto image_file = find_idx_file(directory, part + "-images-idx3-ubyte");
  auto read = read_labelled_images(image_file, find_idx_file(directory, part + "-labels-idx1-ubyte"));
  if (const auto sizes = read.images.sizes(); sizes[2] != 28 || sizes[3] != 28) {
    throw DataError(fmt::format("g2d: dataset::read_mnist: {}: expected images of 28 x 28 pixels, got {} x {}",
                                image_file.string(), sizes[2], sizes[3]));
  }
  return read;
}

}  // namespace detail

/// Reads {train,t10k}-{images-idx3,labels-idx1}-ubyte, each plain or with .gz, from `directory`.
///
/// Errors     DataError naming the file and the reason.
[[nodiscard]] inline Mnist read_mnist(const std::filesystem::path& directory) {
  return {detail::read_mnist_part(directory, "train"), detail::read_mnist_part(directory, "t10k")};
}

}  // namespace g2d::dataset
