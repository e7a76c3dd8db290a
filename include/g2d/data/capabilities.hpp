// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <fmt/format.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/data/concept.hpp>

namespace g2d::data {

/// A dataset that can leave the other modalities unread: `only(m)` is the same dataset with modality m alone.
template <class Dataset>
concept Restrictable = requires(const Dataset& dataset, std::size_t modality) {
  { dataset.only(modality) } -> std::same_as<Dataset>;
};

/// A dataset that can leave modalities out of its batches: `reading(is_read)` is the same dataset, whose batches have
/// no values for the others, and nothing is done for them.
template <class Dataset>
concept ReadsPartly = requires(const Dataset& dataset, const PerModality<bool>& is_read) {
  { dataset.reading(is_read) } -> std::same_as<Dataset>;
};

/// A dataset that knows all targets without reading a sample.
template <class Dataset>
concept KnowsTargets = requires(const Dataset& dataset) {
  { dataset.targets() } -> std::convertible_to<at::Tensor>;
};

/// A dataset that knows all sample ids without reading a sample.
template <class Dataset>
concept KnowsSampleIds = requires(const Dataset& dataset) {
  { dataset.sample_ids() } -> std::convertible_to<at::Tensor>;
};

/// Errors: ConfigError unless there is one value for each modality.
inline void check_is_read(const PerModality<bool>& is_read, const ModalityNames& names, std::string_view where) {
  if (is_read.size() == names.size()) return;
  throw ConfigError(fmt::format("g2d: data::{}: reading: expected one value for each of ({}), got {}", where,
                                names.joined(), is_read.size()));
}

namespace detail {

/// What is left of a batch when only modality m is asked for.
[[nodiscard]] inline Batch only(Batch batch, std::size_t modality) {
  batch.inputs = {batch.inputs[modality]};
  if (batch.present.defined()) batch.present = batch.present.narrow(1, static_cast<std::int64_t>(modality), 1);
  return batch;
}

}  // namespace detail
}  // namespace g2d::data
