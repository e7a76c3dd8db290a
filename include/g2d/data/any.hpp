// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/per_modality.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>

namespace g2d::data {

/// Any dataset that knows its targets and can leave modalities unread, chosen at run time. Copies share it.
///
/// Cost       one indirect call a batch.
class Any {
 public:
  template <class Dataset>
    requires(!std::same_as<Dataset, Any>) && DatasetPolicy<Dataset> && KnowsTargets<Dataset> &&
            KnowsSampleIds<Dataset> && Restrictable<Dataset>
  Any(Dataset dataset)  // NOLINT(google-explicit-constructor): a dataset is any dataset
      : dataset_(std::make_shared<const Model<Dataset>>(std::move(dataset))) {}

  [[nodiscard]] const ModalityNames& names() const { return dataset_->names(); }
  [[nodiscard]] std::int64_t size() const { return dataset_->size(); }
  [[nodiscard]] bool is_deterministic() const { return dataset_->is_deterministic(); }
  [[nodiscard]] std::string fingerprint() const { return dataset_->fingerprint(); }
  [[nodiscard]] Batch batch(const at::Tensor& rows) const { return dataset_->batch(rows); }
  [[nodiscard]] at::Tensor targets() const { return dataset_->targets(); }
  [[nodiscard]] at::Tensor sample_ids() const { return dataset_->sample_ids(); }
  [[nodiscard]] Any only(std::size_t modality) const { return dataset_->only(modality); }
  /// Itself where the dataset reads all or nothing.
  [[nodiscard]] Any reading(const PerModality<bool>& is_read) const { return dataset_->reading(is_read); }
  [[nodiscard]] BatchStream stream(std::vector<at::Tensor> batches, std::int64_t epoch) const {
    return dataset_->stream(std::move(batches), epoch);
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual const ModalityNames& names() const = 0;
    virtual std::int64_t size() const = 0;
    virtual bool is_deterministic() const = 0;
    virtual std::string fingerprint() const = 0;
    virtual Batch batch(const at::Tensor& rows) const = 0;
    virtual at::Tensor targets() const = 0;
    virtual at::Tensor sample_ids() const = 0;
    virtual Any only(std::size_t modality) const = 0;
    virtual Any reading(const PerModality<bool>& is_read) const = 0;
    virtual BatchStream stream(std::vector<at::Tensor> batches, std::int64_t epoch) const = 0;
  };

  template <class Dataset>
  struct Model final : Interface {
    explicit Model(Dataset given) : dataset(std::move(given)) {}
    const ModalityNames& names() const override { return dataset.names(); }
    std::int64_t size() const override { return dataset.size(); }
    bool is_deterministic() const override { return dataset.is_deterministic(); }
    std::string fingerprint() const override { return dataset.fingerprint(); }
    Batch batch(const at::Tensor& rows) const override { return dataset.batch(rows); }
    at::Tensor targets() const override { return dataset.targets(); }
    at::Tensor sample_ids() const override { return dataset.sample_ids(); }
    Any only(std::size_t modality) const override { return dataset.only(modality); }
    Any reading(const PerModality<bool>& is_read) const override {
      if constexpr (ReadsPartly<Dataset>) return dataset.reading(is_read);
      return dataset;
    }
    BatchStream stream(std::vector<at::Tensor> batches, std::int64_t epoch) const override {
      return data::stream(dataset, std::move(batches), epoch);
    }
    Dataset dataset;
  };

  std::shared_ptr<const Interface> dataset_;
};

static_assert(DatasetPolicy<Any> && StreamsBatches<Any> && Restrictable<Any> && ReadsPartly<Any>);

}  // namespace g2d::data
