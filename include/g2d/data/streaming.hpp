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

#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/detail/collate.hpp>
#include <g2d/data/detail/pin.hpp>
#include <g2d/data/detail/prefetch_queue.hpp>
#include <g2d/data/samples.hpp>

namespace g2d::data {

struct StreamingOptions {
  std::int64_t num_workers = 2;     ///< Threads that read; 0: the caller reads, when a batch is due.
  std::int64_t num_prefetched = 4;  ///< Batches that may wait or be under way: what bounds the memory.
  bool pins_memory = false;         ///< Batches in page-locked memory, for copies that do not hold up an accelerator.
};

/// Samples read from disk while the model trains; no more than a few batches are in memory.
///
/// The batches, augmentation included, are a pure function of (seed, epoch, rows): the number of workers changes
/// nothing.
/// Cost       memory: num_prefetched batches, whatever the dataset's size. Threads live as long as a pass.
/// Errors     ConfigError for options out of range; ShapeError for rows that are none. Of a pass, DataError naming the
///            sample, when its batch is due.
class Streaming {
 public:
  explicit Streaming(Samples samples, StreamingOptions options = {}) : samples_(std::move(samples)), options_(options) {
    if (options_.num_workers < 0 || options_.num_prefetched < 1) {
      throw ConfigError(
          fmt::format("g2d: data::Streaming: expected num_workers >= 0 and num_prefetched >= 1, got {} and {}",
                      options_.num_workers, options_.num_prefetched));
    }
  }

  [[nodiscard]] const ModalityNames& names() const { return samples_.names(); }
  [[nodiscard]] std::int64_t size() const { return samples_.size(); }
  [[nodiscard]] bool is_deterministic() const { return samples_.is_deterministic(); }
  [[nodiscard]] std::string fingerprint() const { return samples_.fingerprint(); }
  [[nodiscard]] at::Tensor targets() const { return samples_.targets(); }
  [[nodiscard]] at::Tensor sample_ids() const { return samples_.sample_ids(); }
  [[nodiscard]] const Samples& samples() const { return samples_; }
  [[nodiscard]] Streaming only(std::size_t modality) const { return Streaming(samples_.only(modality), options_); }
  [[nodiscard]] Streaming reading(const PerModality<bool>& is_read) const {
    return Streaming(samples_.reading(is_read), options_);
  }

  /// As in epoch 0.
  [[nodiscard]] Batch batch(const at::Tensor& rows) const { return stream({rows}, 0).next(); }

  [[nodiscard]] BatchStream stream(std::vector<at::Tensor> batches, std::int64_t epoch) const {
    for (auto& rows : batches) rows = checked(rows);
    const bool pins = options_.pins_memory;
    if (options_.num_workers == 0) {
      return BatchStream([samples = samples_, batches = std::move(batches), epoch, pins, i = std::size_t{0}]() mutable {
        return detail::pin_if(pins, detail::read(samples, batches.at(i++), epoch));
      });
    }
    auto queue = std::make_shared<detail::PrefetchQueue>(samples_, std::move(batches), epoch, options_.num_workers,
                                                         options_.num_prefetched, pins);
    return BatchStream([queue = std::move(queue)] { return queue->next(); });
  }

 private:
  /// Rows side by side in memory, as the readers go through them.
  static at::Tensor checked(const at::Tensor& rows) {
    if (rows.dim() != 1 || rows.size(0) == 0 || rows.scalar_type() != at::kLong || !rows.is_cpu()) {
      throw ShapeError(
          fmt::format("g2d: data::Streaming: expected rows int64 [B] in host memory, at least one, got {} {} on {}",
                      c10::toString(rows.scalar_type()), to_string(rows.sizes()), rows.device().str()));
    }
    return rows.contiguous();
  }

  Samples samples_;
  StreamingOptions options_;
};

static_assert(DatasetPolicy<Streaming> && StreamsBatches<Streaming> && Restrictable<Streaming> &&
              ReadsPartly<Streaming>);

}  // namespace g2d::data
