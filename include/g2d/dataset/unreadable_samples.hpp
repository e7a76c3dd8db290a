// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/readable_rows.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/dataset.hpp>

namespace g2d::dataset {

/// What happens to samples whose files are there and cannot be read.
enum class UnreadableSamples {
  Refuse,  ///< An error that names sample and file, when the sample is due.
  Drop,    ///< All samples are read once beforehand; these are left out, with a warning that counts them.
};

namespace detail {

/// The rows that can be read. `what` they are, for the warning: "training samples".
///
/// Errors     DataError when none can.
[[nodiscard]] inline at::Tensor keep_readable(const data::Samples& samples, std::string_view what,
                                              std::int64_t num_workers, std::vector<std::string>& warnings) {
  constexpr std::string_view prefix = "g2d: ";
  auto readable = data::readable_rows(samples, num_workers);
  if (readable.errors.empty()) return readable.rows;
  std::string_view first = readable.errors.front();
  if (first.starts_with(prefix)) first.remove_prefix(prefix.size());
  const auto text = fmt::format("{} of {} {} cannot be read", readable.errors.size(), samples.size(), what);
  if (readable.rows.size(0) == 0) {
    throw DataError(fmt::format("g2d: dataset: expected {} that can be read, got none; {}: {}", what, text, first));
  }
  warnings.push_back(fmt::format("{}: left out; the first: {}", text, first));
  return readable.rows;
}

}  // namespace detail

/// The dataset without the samples that cannot be read, with a warning for each split that counts them. What was fitted
/// to the training split, such as the medians of a table, stays as it is.
///
/// Cost       as one epoch of reading.
/// Errors     DataError when no sample of a split can be read.
[[nodiscard]] inline Dataset leave_out_unreadable(Dataset dataset, std::int64_t num_workers = 2) {
  const auto keep = [&](data::Samples& samples, std::string_view what) {
    samples = samples.subset(detail::keep_readable(samples, what, num_workers, dataset.warnings));
  };
  keep(dataset.splits.train, "training samples");
  keep(dataset.splits.validation, "validation samples");
  keep(dataset.splits.test, "test samples");
  return dataset;
}

}  // namespace g2d::dataset
