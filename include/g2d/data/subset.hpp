// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>

#include <g2d/data/concept.hpp>
#include <g2d/data/fingerprint.hpp>

namespace g2d::data {

/// Some rows of a dataset. It refers to the dataset, which must outlive it.
template <DatasetPolicy Dataset>
class Subset {
 public:
  Subset(const Dataset& dataset, at::Tensor rows) : dataset_(dataset), rows_(std::move(rows)) {}

  [[nodiscard]] const ModalityNames& names() const { return dataset_.names(); }
  [[nodiscard]] std::int64_t size() const { return rows_.size(0); }
  [[nodiscard]] bool is_deterministic() const { return dataset_.is_deterministic(); }
  [[nodiscard]] std::string fingerprint() const {
    return Fingerprint().add(dataset_.fingerprint()).add(rows_).str();
  }
  [[nodiscard]] Batch batch(const at::Tensor& rows) const { return dataset_.batch(rows_.index_select(0, rows)); }

 private:
  const Dataset& dataset_;
  at::Tensor rows_;
};

}  // namespace g2d::data
