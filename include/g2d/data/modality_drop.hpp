// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/fingerprint.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/sample_random.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/detail/refer_to.hpp>

namespace g2d::data {

/// A dataset in which each sample lacks modality m with a probability: what a model does without is trained or tested
/// so.
///
/// What a sample lacks is a pure function of (seed, its id, m), the same in every epoch. A sample that would lose all
/// that it has keeps the modality that came closest to staying. The dataset must outlive it.
/// Errors     ConfigError unless there is one probability in [0, 1] for each modality.
template <DatasetPolicy Dataset>
class ModalityDrop {
 public:
  ModalityDrop(const Dataset&& dataset, PerModality<double> probabilities, std::uint64_t seed = 0) = delete;
  ModalityDrop(const Dataset& dataset, PerModality<double> probabilities, std::uint64_t seed = 0)
      : dataset_(detail::refer_to(dataset)), probabilities_(std::move(probabilities)), seed_(seed) {
    bool fits = probabilities_.size() == names().size();
    for (const double probability : probabilities_) fits = fits && probability >= 0.0 && probability <= 1.0;
    if (!fits) {
      throw ConfigError(
          fmt::format("g2d: data::ModalityDrop: expected a probability in [0, 1] for each of ({}), got [{}]",
                      names().joined(), fmt::join(probabilities_, ", ")));
    }
  }

  [[nodiscard]] const ModalityNames& names() const { return dataset_->names(); }
  [[nodiscard]] std::int64_t size() const { return dataset_->size(); }
  [[nodiscard]] bool is_deterministic() const { return dataset_->is_deterministic(); }
  [[nodiscard]] std::string fingerprint() const {
    return Fingerprint()
        .add(dataset_->fingerprint())
        .add(fmt::format("modality drop [{}], seed {}", fmt::join(probabilities_, ", "), seed_))
        .str();
  }
  [[nodiscard]] Batch batch(const at::Tensor& rows) const { return drop(dataset_->batch(rows)); }
  [[nodiscard]] BatchStream stream(std::vector<at::Tensor> batches, std::int64_t epoch) const {
    return BatchStream(
        [this, all = data::stream(*dataset_, std::move(batches), epoch)]() mutable { return drop(all.next()); });
  }

  [[nodiscard]] ModalityDrop reading(const PerModality<bool>& is_read) const
    requires ReadsPartly<Dataset>
  {
    ModalityDrop partly = *this;
    partly.dataset_ = std::make_shared<const Dataset>(dataset_->reading(is_read));
    return partly;
  }

 private:
  [[nodiscard]] Batch drop(Batch batch) const {
    const auto modalities = static_cast<std::int64_t>(probabilities_.size());
    auto present =
        batch.present.defined() ? batch.present.cpu().clone() : at::ones({batch.size(), modalities}, at::kBool);
    auto* has = present.mutable_data_ptr<bool>();
    const auto* ids = batch.sample_ids.const_data_ptr<std::int64_t>();
    for (std::int64_t row = 0; row < batch.size(); ++row) drop(ids[row], has + row * modalities);
    batch.present = present.to(batch.target.device());
    return batch;
  }

  void drop(std::int64_t id, bool* has) const {
    double best = -2.0;
    std::size_t best_modality = 0;
    bool keeps_any = false;
    for (std::size_t m = 0; m < probabilities_.size(); ++m) {
      if (!has[m]) continue;
      const double draw = SampleRandom({.seed = seed_, .epoch = 0, .sample_id = id, .modality = m}).uniform();
      has[m] = draw >= probabilities_[m];
      keeps_any = keeps_any || has[m];
      if (draw - probabilities_[m] > best) {
        best = draw - probabilities_[m];
        best_modality = m;
      }
    }
    if (!keeps_any && best > -2.0) has[best_modality] = true;
  }

  std::shared_ptr<const Dataset> dataset_;
  PerModality<double> probabilities_;
  std::uint64_t seed_;
};

}  // namespace g2d::data
