// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/data/batch_stream.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/detail/refer_to.hpp>

namespace g2d::data {

/// One modality of a dataset: what its teacher is trained on. The other modalities are not read where the dataset can
/// leave them (`only`), and dropped otherwise. It refers to the dataset, which must outlive it.
template <DatasetPolicy Dataset>
class SingleModality {
 public:
  SingleModality(const Dataset&& dataset, std::size_t modality) = delete;
  SingleModality(const Dataset& dataset, std::size_t modality)
      : dataset_(restrict(dataset, modality)), modality_(modality), names_{dataset.names()[modality]} {}

  [[nodiscard]] const ModalityNames& names() const { return names_; }
  [[nodiscard]] std::int64_t size() const { return dataset_->size(); }
  [[nodiscard]] bool is_deterministic() const { return dataset_->is_deterministic(); }
  [[nodiscard]] std::string fingerprint() const { return fmt::format("{}/{}", dataset_->fingerprint(), names_[0]); }
  [[nodiscard]] Batch batch(const at::Tensor& rows) const { return pick(dataset_->batch(rows)); }

  [[nodiscard]] BatchStream stream(std::vector<at::Tensor> batches, std::int64_t epoch) const {
    return BatchStream(
        [this, all = data::stream(*dataset_, std::move(batches), epoch)]() mutable { return pick(all.next()); });
  }

  [[nodiscard]] at::Tensor targets() const
    requires KnowsTargets<Dataset>
  {
    return dataset_->targets();
  }

 private:
  static std::shared_ptr<const Dataset> restrict(const Dataset& dataset, std::size_t modality) {
    if constexpr (Restrictable<Dataset>) {
      return std::make_shared<const Dataset>(dataset.only(modality));
    } else {
      return detail::refer_to(dataset);
    }
  }

  [[nodiscard]] Batch pick(Batch batch) const {
    if constexpr (Restrictable<Dataset>) return batch;
    return detail::only(std::move(batch), modality_);
  }

  std::shared_ptr<const Dataset> dataset_;
  std::size_t modality_;
  ModalityNames names_;
};

}  // namespace g2d::data
