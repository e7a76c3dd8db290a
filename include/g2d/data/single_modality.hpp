// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include <g2d/data/concept.hpp>

namespace g2d::data {

/// One modality of a dataset: what its teacher is trained on. It refers to the dataset, which must outlive it.
///
/// Cost       batch(rows): as the dataset's; the other modalities are dropped.
template <DatasetPolicy Dataset>
class SingleModality {
 public:
  SingleModality(const Dataset& dataset, std::size_t modality)
      : dataset_(dataset), modality_(modality), names_{dataset.names()[modality]} {}

  [[nodiscard]] const ModalityNames& names() const { return names_; }
  [[nodiscard]] std::int64_t size() const { return dataset_.size(); }
  [[nodiscard]] bool is_deterministic() const { return dataset_.is_deterministic(); }
  [[nodiscard]] std::string fingerprint() const { return fmt::format("{}/{}", dataset_.fingerprint(), names_[0]); }

  [[nodiscard]] Batch batch(const at::Tensor& rows) const {
    auto batch = dataset_.batch(rows);
    batch.inputs = {batch.inputs[modality_]};
    if (batch.present.defined()) batch.present = batch.present.narrow(1, static_cast<std::int64_t>(modality_), 1);
    return batch;
  }

 private:
  const Dataset& dataset_;
  std::size_t modality_;
  ModalityNames names_;
};

}  // namespace g2d::data
