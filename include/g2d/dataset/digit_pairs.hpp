// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/split_by_class.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/class_pairs.hpp>
#include <g2d/dataset/detail/digit_streams.hpp>
#include <g2d/dataset/digit_recordings.hpp>
#include <g2d/dataset/mnist.hpp>

namespace g2d::dataset {

/// Settings of pair_digits.
struct DigitPairsOptions {
  data::Splits<std::int64_t> pairs{4000, 1000, 2000};
  double validation_fraction = 0.2;  ///< Of the training images, and of the training recordings, per class.
  /// Where these and the next are empty, recordings 0 to 4 of each digit and speaker are the test split, the dataset's
  /// own rule. Otherwise no speaker is in two splits.
  std::vector<std::string> test_speakers{};
  std::vector<std::string> validation_speakers{};
  std::uint64_t seed = 0;
};

namespace detail {

/// Which images may be used where: MNIST's test part for the test, the training part divided by class.
[[nodiscard]] inline data::Splits<at::Tensor> split_images(const Mnist& images, const DigitPairsOptions& options) {
  const auto num_train = images.train.labels.size(0);
  const auto [train, validation] =
      data::split_by_class(images.train.labels, at::arange(num_train, at::kLong), options.validation_fraction,
                           make_generators(options.seed, DigitStream::ImageSplit).train, "images");
  return {train, validation, at::arange(num_train, num_train + images.test.labels.size(0), at::kLong)};
}

/// Rows of the recordings for which `is_member(row)` holds.
template <class Predicate>
[[nodiscard]] at::Tensor rows_where(const DigitRecordings& recordings, const Predicate& is_member) {
  auto mask = at::empty({recordings.labels.size(0)}, at::kBool);
  for (std::int64_t row = 0; row < mask.size(0); ++row) mask.mutable_data_ptr<bool>()[row] = is_member(row);
  return mask.nonzero().squeeze(1);
}

[[nodiscard]] inline data::Splits<at::Tensor> split_recordings_by_index(const DigitRecordings& recordings,
                                                                        const DigitPairsOptions& options) {
  constexpr std::int64_t test_indices = 5;
  const auto test = (recordings.indices < test_indices).nonzero().squeeze(1);
  const auto rest = (recordings.indices >= test_indices).nonzero().squeeze(1);
  if (test.numel() == 0 || rest.numel() == 0) {
    throw DataError(
        fmt::format("g2d: dataset::pair_digits: expected recordings with an index below {0} (test) and from {0} on "
                    "(training), got {1} and "
                    "{2}",
                    test_indices, test.numel(), rest.numel()));
  }
  const auto [train, validation] =
      data::split_by_class(recordings.labels.index_select(0, rest), rest, options.validation_fraction,
                           make_generators(options.seed, DigitStream::RecordingSplit).train, "recordings");
  return {train, validation, test};
}

[[nodiscard]] inline data::Splits<at::Tensor> split_recordings_by_speaker(const DigitRecordings& recordings,
                                                                          const DigitPairsOptions& options) {
  const std::set<std::string> known(recordings.speakers.begin(), recordings.speakers.end());
  std::set<std::string> unassigned = known;
  for (const auto* speakers : {&options.test_speakers, &options.validation_speakers}) {
    for (const auto& speaker : *speakers) {
      if (unassigned.erase(speaker) == 0) {
        throw ConfigError(fmt::format("g2d: dataset::pair_digits: expected distinct speakers out of {}, got \"{}\"{}",
                                      fmt::join(known, ", "), speaker, known.contains(speaker) ? " twice" : ""));
      }
    }
  }
  if (options.test_speakers.empty() || options.validation_speakers.empty() || unassigned.empty()) {
    throw ConfigError(fmt::format(
        "g2d: dataset::pair_digits: expected at least one speaker each for test, validation and training, got {}, {} "
        "and "
        "{} of "
        "{}",
        options.test_speakers.size(), options.validation_speakers.size(), unassigned.size(), fmt::join(known, ", ")));
  }
  const auto rows_of = [&](const auto& speakers) {
    return rows_where(recordings, [&](std::int64_t row) {
      return std::find(speakers.begin(), speakers.end(), recordings.speakers[static_cast<std::size_t>(row)]) !=
             speakers.end();
    });
  };
  return {rows_of(unassigned), rows_of(options.validation_speakers), rows_of(options.test_speakers)};
}

}  // namespace detail

/// Divides images and recordings first, then pairs them by class inside each split: no image and no recording is in two
/// splits. Draws depend on the seed alone, and those of a split not on the number of pairs in another.
///
/// Returns    for each split the rows of the images (`first`; the test part follows the training part) and of the
///            recordings (`second`).
/// Errors     ConfigError for options out of range or unknown speakers; DataError when a split or a class is empty.
[[nodiscard]] inline data::Splits<ClassPairs> pair_digits(const Mnist& images, const DigitRecordings& recordings,
                                                          const DigitPairsOptions& options = {}) {
  const bool by_index = options.test_speakers.empty() && options.validation_speakers.empty();
  const auto image_rows = detail::split_images(images, options);
  const auto recording_rows = by_index ? detail::split_recordings_by_index(recordings, options)
                                       : detail::split_recordings_by_speaker(recordings, options);
  const auto image_labels = at::cat({images.train.labels, images.test.labels});
  const data::Splits<std::string> names{"training images and recordings", "validation images and recordings",
                                        "test images and recordings"};
  return data::map_splits(
      [&](const auto& from_images, const auto& from_recordings, std::int64_t count, const at::Generator& generator,
          const std::string& name) {
        return pair_by_class(image_labels, from_images, recordings.labels, from_recordings, count, generator, name);
      },
      image_rows, recording_rows, options.pairs, detail::make_generators(options.seed, detail::DigitStream::Pairing),
      names);
}

}  // namespace g2d::dataset
