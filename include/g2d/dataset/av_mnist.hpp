// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/data/read_rows.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/dataset/dataset.hpp>
#include <g2d/dataset/detail/list_splits.hpp>
#include <g2d/io/npy.hpp>
#include <g2d/transform/to_float.hpp>

namespace g2d::dataset {

/// Settings of read_av_mnist. The defaults are the public files'.
struct AvMnistOptions {
  std::int64_t image_size = 28;      ///< Pixels, height and width.
  std::int64_t audio_size = 112;     ///< Bands and frames of the spectrograms.
  double validation_fraction = 0.1;  ///< Of the training split, per class.
  std::uint64_t seed = 0;            ///< Of the validation split.
};

namespace detail {

inline constexpr std::string_view av_mnist_where = "dataset::read_av_mnist";
inline constexpr std::int64_t av_mnist_classes = 10;

[[nodiscard]] inline at::Tensor map_av_mnist(const std::filesystem::path& folder, std::string_view name) {
  std::error_code error;
  if (!std::filesystem::exists(folder / name, error)) {
    throw DataError(
        fmt::format("g2d: {}: {}: expected image/{{train,test}}_data.npy, audio/{{train,test}}_data.npy and "
                    "{{train,test}}_labels.npy, got no {}; make_av_mnist makes them",
                    av_mnist_where, folder.string(), name));
  }
  return io::map_npy(folder / name);
}

/// The mapped values as [N, 1, size, size], whichever dimensions the file keeps apart.
[[nodiscard]] inline at::Tensor map_av_mnist_planes(const std::filesystem::path& folder, std::string_view name,
                                                    std::int64_t size) {
  const auto values = map_av_mnist(folder, name);
  const auto shape = values.sizes();
  const std::vector<std::vector<std::int64_t>> known{{size, size}, {size * size}, {1, size, size}};
  for (const auto& sample : known) {
    if (shape.size() > 1 && shape[0] > 0 && shape.slice(1) == at::IntArrayRef(sample))
      return values.reshape({-1, 1, size, size});
  }
  throw DataError(fmt::format("g2d: {0}: {1}: expected an array [N, {2}, {2}], [N, {3}] or [N, 1, {2}, {2}], got {4}",
                              av_mnist_where, (folder / name).string(), size, size * size, to_string(shape)));
}

/// int64 [N].
[[nodiscard]] inline at::Tensor read_av_mnist_labels(const std::filesystem::path& folder, std::string_view name) {
  const auto values = map_av_mnist(folder, name);
  const bool is_list = values.dim() > 0 && values.numel() > 0 && values.numel() == values.size(0);
  if (!is_list || !at::isIntegralType(values.scalar_type(), /*includeBool=*/false)) {
    throw DataError(fmt::format("g2d: {}: {}: expected whole numbers [N], got {} {}", av_mnist_where,
                                (folder / name).string(), c10::toString(values.scalar_type()),
                                to_string(values.sizes())));
  }
  auto labels = values.to(at::kLong).reshape({-1}).clone();
  for (std::int64_t row = 0; row < labels.size(0); ++row) {
    if (const auto label = labels.const_data_ptr<std::int64_t>()[row]; label < 0 || label >= av_mnist_classes) {
      throw DataError(fmt::format("g2d: {}: {}: row {}: expected a label from 0 to {}, got {}", av_mnist_where,
                                  (folder / name).string(), row, av_mnist_classes - 1, label));
    }
  }
  return labels;
}

[[nodiscard]] inline data::Samples read_av_mnist_part(const std::filesystem::path& folder, const std::string& part,
                                                      const AvMnistOptions& options) {
  const auto data_file = part + "_data.npy";
  const auto audio = map_av_mnist_planes(folder, "audio/" + data_file, options.audio_size);
  const auto image = map_av_mnist_planes(folder, "image/" + data_file, options.image_size);
  const auto labels = read_av_mnist_labels(folder, part + "_labels.npy");
  const auto count = labels.size(0);
  if (audio.size(0) != count || image.size(0) != count) {
    throw DataError(fmt::format(
        "g2d: {}: {}: expected as many spectrograms and images as labels in the files of \"{}\", got {}, {} and {}",
        av_mnist_where, folder.string(), part, audio.size(0), image.size(0), count));
  }
  data::SampleIndex index{.names = {}, .targets = labels};
  for (std::int64_t row = 0; row < count; ++row) index.names.push_back(fmt::format("{}/{}", part, row));
  const transform::ToFloat to_unit{255};
  return data::Samples({data::read_rows("audio", audio, to_unit), data::read_rows("image", image, to_unit)},
                       std::move(index), options.seed);
}

}  // namespace detail

/// Reads AV-MNIST, digits that are heard and seen: modalities "audio" and "image", ten classes.
///
/// Layout     image/{train,test}_data.npy [N, 28, 28], [N, 784] or [N, 1, 28, 28]; audio/{train,test}_data.npy [N, 112,
///            112] likewise; {train,test}_labels.npy [N]. Any real dtype. The files are mapped into memory, not read.
/// Splits     the files'; validation is held out of the training files, stratified by class (ours: the authors have
///            none).
/// Values     divided by 255: audio [1, 112, 112], image [1, 28, 28]. Nothing is random.
/// Errors     DataError naming the file: missing (and the layout), another shape, a label out of range, counts that
///            differ; all of io::map_npy. ConfigError for settings out of range.
/// Source     the authors' dataset/AVMNIST.py.
[[nodiscard]] inline Dataset read_av_mnist(const std::filesystem::path& folder, const AvMnistOptions& options = {}) {
  if (options.image_size < 1 || options.audio_size < 1) {
    throw ConfigError(fmt::format("g2d: {}: expected image_size and audio_size >= 1, got {} and {}",
                                  detail::av_mnist_where, options.image_size, options.audio_size));
  }
  const auto train = detail::read_av_mnist_part(folder, "train", options);
  auto test = detail::read_av_mnist_part(folder, "test", options);
  std::vector<std::string> warnings;
  const auto [kept, held_out] = detail::hold_out_validation(at::arange(train.size(), at::kLong),
                                                            {.targets = train.targets()}, options.validation_fraction,
                                                            make_generator(options.seed), "training samples", warnings);
  auto description = fmt::format(
      "AV-MNIST, {} training and {} test samples; validation: {} of the training part, stratified, seed {}; audio: {}; "
      "image: {}",
      train.size(), test.size(), options.validation_fraction, options.seed, test.transform_description(0),
      test.transform_description(1));
  return {"AV-MNIST",
          {train.subset(kept), train.subset(held_out), std::move(test)},
          {OutputKind::Classes, detail::av_mnist_classes, {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
          std::move(description),
          std::move(warnings)};
}

}  // namespace g2d::dataset
