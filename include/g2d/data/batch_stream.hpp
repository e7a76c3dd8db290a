// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>

namespace g2d::data {

/// The batches of one pass over a dataset, in order. Dropping it before its end stops whatever reads ahead.
class BatchStream {
 public:
  explicit BatchStream(std::function<Batch()> next) : next_(std::move(next)) {}

  /// The next batch; to be called once for each batch of the pass. Errors: the dataset's, when their batch is due.
  [[nodiscard]] Batch next() { return next_(); }

 private:
  std::function<Batch()> next_;
};

/// A dataset that reads ahead, or whose samples differ from epoch to epoch.
template <class Dataset>
concept StreamsBatches = requires(const Dataset& dataset, std::vector<at::Tensor> batches, std::int64_t epoch) {
  { dataset.stream(std::move(batches), epoch) } -> std::same_as<BatchStream>;
};

/// One pass: the dataset's own `stream(batches, epoch)` where it has one, else `batch(rows)` when a batch is due.
///
/// Shapes     batches: rows int64 [B] each, in host memory.
/// The dataset must outlive the stream.
template <DatasetPolicy Dataset>
[[nodiscard]] BatchStream stream(const Dataset& dataset, std::vector<at::Tensor> batches, std::int64_t epoch = 0) {
  if constexpr (StreamsBatches<Dataset>) {
    return dataset.stream(std::move(batches), epoch);
  } else {
    return BatchStream([&dataset, batches = std::move(batches), i = std::size_t{0}]() mutable {
      return dataset.batch(batches.at(i++));
    });
  }
}

/// One pass that needs the inputs of these modalities alone; the others are left undefined where the dataset can do
/// without them.
template <DatasetPolicy Dataset>
[[nodiscard]] BatchStream stream_reading(const PerModality<bool>& is_read, const Dataset& dataset,
                                         std::vector<at::Tensor> batches, std::int64_t epoch = 0) {
  if constexpr (ReadsPartly<Dataset>) {
    if (std::find(is_read.begin(), is_read.end(), false) != is_read.end()) {
      const auto partly = std::make_shared<const Dataset>(dataset.reading(is_read));
      return BatchStream([partly, part = stream(*partly, std::move(batches), epoch)]() mutable { return part.next(); });
    }
  }
  return stream(dataset, std::move(batches), epoch);
}

}  // namespace g2d::data
