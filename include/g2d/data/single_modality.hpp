// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/detail/refer_to.hpp>

namespace g2d::data {

namespace detail {

/// The rows of the samples that have modality m, int64 in host memory; undefined when all have it.
///
/// Cost       one pass; nothing is read for it of a dataset that can leave inputs unread (`reading`).
template <DatasetPolicy Dataset>
[[nodiscard]] at::Tensor rows_with(const Dataset& dataset, std::size_t m) {
  constexpr std::int64_t batch_size = 64;
  const auto batches = ordered_batches(dataset.size(), batch_size);
  auto stream = stream_reading(PerModality<bool>(dataset.names().size(), false), dataset, batches);
  std::vector<at::Tensor> rows{at::zeros({0}, at::kLong)};
  bool has_absent = false;
  for (const auto& all : batches) {
    const auto present = present_column(stream.next(), m);
    rows.push_back(present.defined() ? all.masked_select(present.cpu()) : all);
    has_absent = has_absent || rows.back().size(0) < all.size(0);
  }
  return has_absent ? at::cat(rows) : at::Tensor();
}

}  // namespace detail

/// One modality of a dataset, and the samples that have it: what its teacher is trained and judged on. The other
/// modalities are not read where the dataset can leave them (`only`), and dropped otherwise. It refers to the dataset,
/// which must outlive it.
///
/// Cost       at construction a pass over the dataset, to know who has the modality; inputs are not read for it where
///            the dataset can leave them (`reading`).
template <DatasetPolicy Dataset>
class SingleModality {
 public:
  SingleModality(const Dataset&& dataset, std::size_t modality) = delete;
  SingleModality(const Dataset& dataset, std::size_t modality)
      : dataset_(restrict(dataset, modality)),
        modality_(modality),
        names_{dataset.names()[modality]},
        rows_(detail::rows_with(*dataset_, Restrictable<Dataset> ? 0 : modality)) {}

  [[nodiscard]] const ModalityNames& names() const { return names_; }
  [[nodiscard]] std::int64_t size() const { return rows_.defined() ? rows_.size(0) : dataset_->size(); }
  [[nodiscard]] bool is_deterministic() const { return dataset_->is_deterministic(); }
  [[nodiscard]] std::string fingerprint() const { return fmt::format("{}/{}", dataset_->fingerprint(), names_[0]); }
  [[nodiscard]] Batch batch(const at::Tensor& rows) const { return pick(dataset_->batch(rows_of(rows))); }

  [[nodiscard]] BatchStream stream(std::vector<at::Tensor> batches, std::int64_t epoch) const {
    for (auto& rows : batches) rows = rows_of(rows);
    return BatchStream(
        [this, all = data::stream(*dataset_, std::move(batches), epoch)]() mutable { return pick(all.next()); });
  }

  [[nodiscard]] at::Tensor targets() const
    requires KnowsTargets<Dataset>
  {
    const at::Tensor all = dataset_->targets();
    return rows_.defined() ? all.index_select(0, rows_.to(all.device())) : all;
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
    if constexpr (!Restrictable<Dataset>) batch = detail::only(std::move(batch), modality_);
    batch.present = at::Tensor();  // All have it.
    return batch;
  }

  [[nodiscard]] at::Tensor rows_of(const at::Tensor& rows) const {
    return rows_.defined() ? rows_.index_select(0, rows) : rows;
  }

  std::shared_ptr<const Dataset> dataset_;
  std::size_t modality_;
  ModalityNames names_;
  at::Tensor rows_;  ///< Of the samples that have it; undefined: all.
};

}  // namespace g2d::data
