// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/fingerprint.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/detail/refer_to.hpp>

namespace g2d::data {

/// Some rows of a dataset, in the order given; samples keep their ids. It refers to the dataset, which must outlive it.
///
/// Shapes     rows: int64 [N] in host memory.
template <DatasetPolicy Dataset>
class Subset {
 public:
  Subset(const Dataset&& dataset, at::Tensor rows) = delete;
  Subset(const Dataset& dataset, at::Tensor rows) : Subset(detail::refer_to(dataset), std::move(rows)) {}

  [[nodiscard]] const ModalityNames& names() const { return dataset_->names(); }
  [[nodiscard]] std::int64_t size() const { return rows_.size(0); }
  [[nodiscard]] bool is_deterministic() const { return dataset_->is_deterministic(); }
  [[nodiscard]] std::string fingerprint() const { return Fingerprint().add(dataset_->fingerprint()).add(rows_).str(); }
  [[nodiscard]] Batch batch(const at::Tensor& rows) const { return dataset_->batch(rows_.index_select(0, rows)); }

  [[nodiscard]] BatchStream stream(std::vector<at::Tensor> batches, std::int64_t epoch) const {
    for (auto& rows : batches) rows = rows_.index_select(0, rows);
    return data::stream(*dataset_, std::move(batches), epoch);
  }

  [[nodiscard]] Subset only(std::size_t modality) const
    requires Restrictable<Dataset>
  {
    return Subset(std::make_shared<const Dataset>(dataset_->only(modality)), rows_);
  }

  [[nodiscard]] Subset reading(const PerModality<bool>& is_read) const
    requires ReadsPartly<Dataset>
  {
    return Subset(std::make_shared<const Dataset>(dataset_->reading(is_read)), rows_);
  }

  [[nodiscard]] at::Tensor targets() const
    requires KnowsTargets<Dataset>
  {
    const at::Tensor all = dataset_->targets();
    return all.index_select(0, rows_.to(all.device()));
  }

  [[nodiscard]] at::Tensor sample_ids() const
    requires KnowsSampleIds<Dataset>
  {
    return dataset_->sample_ids().index_select(0, rows_);
  }

 private:
  Subset(std::shared_ptr<const Dataset> dataset, at::Tensor rows)
      : dataset_(std::move(dataset)), rows_(std::move(rows)) {}

  std::shared_ptr<const Dataset> dataset_;
  at::Tensor rows_;
};

}  // namespace g2d::data
