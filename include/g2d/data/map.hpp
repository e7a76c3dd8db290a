// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/fingerprint.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/concept.hpp>

namespace g2d::data {

/// A dataset whose batches are changed by a pure function: `Batch function(Batch)`. Samples keep their number, order
/// and ids.
///
/// `description` says what the function does, with all settings; it goes into the fingerprint. The dataset must outlive
/// it.
template <DatasetPolicy Dataset, std::invocable<Batch> Function>
class Map {
 public:
  Map(const Dataset&& dataset, Function function, std::string description) = delete;
  Map(const Dataset& dataset, Function function, std::string description)
      : dataset_(dataset), function_(std::move(function)), description_(std::move(description)) {}

  [[nodiscard]] const ModalityNames& names() const { return dataset_.names(); }
  [[nodiscard]] std::int64_t size() const { return dataset_.size(); }
  [[nodiscard]] bool is_deterministic() const { return dataset_.is_deterministic(); }
  [[nodiscard]] std::string fingerprint() const {
    return Fingerprint().add(dataset_.fingerprint()).add(description_).str();
  }
  [[nodiscard]] Batch batch(const at::Tensor& rows) const { return function_(dataset_.batch(rows)); }
  [[nodiscard]] BatchStream stream(std::vector<at::Tensor> batches, std::int64_t epoch) const {
    return BatchStream(
        [this, all = data::stream(dataset_, std::move(batches), epoch)]() mutable { return function_(all.next()); });
  }

 private:
  const Dataset& dataset_;
  Function function_;
  std::string description_;
};

}  // namespace g2d::data
