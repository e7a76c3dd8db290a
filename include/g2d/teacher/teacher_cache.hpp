// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <g2d/confidence/check.hpp>
#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/to_device.hpp>
#include <g2d/distillation/kl.hpp>
#include <g2d/encoder/precision.hpp>
#include <g2d/teacher/detail/cache_file.hpp>
#include <g2d/teacher/detail/cache_header.hpp>
#include <g2d/teacher/detail/cached_tensors.hpp>
#include <g2d/teacher/detail/inference_batch_size.hpp>
#include <g2d/teacher/detail/mean_table.hpp>
#include <g2d/teacher/detail/sample_index.hpp>
#include <g2d/teacher/teacher_source.hpp>
#include <g2d/teacher/teachers.hpp>

namespace g2d {

struct TeacherCacheOptions {
  std::int64_t batch_size = 0;  ///< Of the inference passes; 0: by the size of a sample, whatever the training batch.
  std::filesystem::path file = {};  ///< Empty: in memory. Else written to this file batch by batch, and mapped from it.

  /// What the tables are kept in, the teachers' own dtype if not given; outputs are handed out in the teachers' dtype.
  /// Float16 halves memory and file, at three significant digits.
  std::optional<at::ScalarType> storage = {};

  Precision precision = Precision::Full;  ///< Of the inference passes.
};

/// The teachers' outputs for every sample of a dataset, computed once: one table [N, D_m + C] for each teacher.
///
/// A file is reused when it was made of the same teachers, data and task, and replaced otherwise. A sample is found by
/// its id, so that any order, subset or batch of the same samples can be asked for.
///
/// Shapes     outputs(batch): see TeacherOutputs. Dtype: the teachers', whatever the storage; confidences are those of
///            the logits that are handed out.
/// Device     tables live on the teachers' device, mapped ones in host memory; confidences always in host memory.
/// Cost       M forward passes over the data, once; 4 (D_m + C) bytes a sample and teacher in float32, half in float16.
///            In a step: one gather a teacher.
/// Errors     ConfigError when the dataset's transform is random, or of other modalities, or the storage is no
///            floating-point dtype or too small for what the teachers give; DataError for an empty dataset, a teacher
///            that has diverged (its confidence is NaN), an unknown sample id, or a file that cannot be read or
///            written; ShapeError for batches without ids.
class TeacherCache {
 public:
  template <data::DatasetPolicy Dataset, task::TaskPolicy Task>
  [[nodiscard]] static TeacherCache precompute(const Teachers& teachers, const Dataset& dataset, const Task& task,
                                               TeacherCacheOptions options = {}) {
    if (!dataset.is_deterministic()) {
      throw ConfigError(
          "g2d: TeacherCache: expected a dataset whose samples are always the same, got one with random augmentation: "
          "precomputed outputs would belong to other inputs; use g2d::online(teachers, ...), or augment nothing");
    }
    if (!(dataset.names() == teachers.names())) {
      throw ConfigError(fmt::format("g2d: TeacherCache: expected a dataset of the teachers' modalities ({}), got ({})",
                                    teachers.names().joined(), dataset.names().joined()));
    }
    if (dataset.size() < 1) throw DataError("g2d: TeacherCache: expected at least one sample, got an empty dataset");
    TeacherCache cache(teachers, options);
    if (options.file.empty()) {
      cache.compute_in_memory(teachers, dataset, task, options);
      return cache;
    }
    const auto file = cache.file_of(teachers, dataset, options);
    if (!cache.map(file) || !cache.has_confidence_of(task, dataset)) {
      cache.compute_in_file(file, teachers, dataset, task, options);
      if (!cache.map(file)) {
        throw DataError(fmt::format("g2d: TeacherCache: file {} changed while it was written", options.file.string()));
      }
      cache.was_reused_ = false;
    }
    return cache;
  }

  /// The outputs for the samples of a batch, by its sample ids; the logits only if they are asked for.
  [[nodiscard]] TeacherOutputs outputs(const Batch& batch, bool with_logits = true) const {
    const auto rows = index_.rows_of(batch.sample_ids);
    TeacherOutputs outputs;
    for (std::size_t m = 0; m < tensors_.tables.size(); ++m) {
      auto [features, logits] = gather(m, rows, batch.target.device(), with_logits);
      outputs.features.push_back(std::move(features));
      if (with_logits) outputs.logits.push_back(std::move(logits));
    }
    outputs.confidence = confidence_of(rows);
    if (batch.present.defined())
      outputs.present = tensors_.confidence.index_select(0, rows).ne(detail::CachedTensors::absent);
    if (mean_) outputs.mean = mean_->rows(rows, batch.target.device());
    return outputs;
  }

  /// Keeps what all teachers say together by this formula, too: N (C + 1) numbers, mapped from an unnamed file where
  /// the tables are mapped. Methods whose logit distillation is this formula
  /// with one weight for all modalities then hear that alone, in steps that nobody observes and batches that lack no
  /// modality: the same gradient at a cost that knows no M, and one term "logit", the mean over the teachers, in the
  /// place of M.
  void keep_mean(const distillation::Kl& kl = distillation::Kl()) {
    PerModality<at::Tensor> logits;
    for (std::size_t m = 0; m < tensors_.tables.size(); ++m) logits.push_back(logits_of(tensors_.tables[m], m));
    mean_.emplace(kl, logits, dtype_, /*is_mapped=*/is_mapped_);
    summary_.mean_temperature = kl.mean_temperature();
  }

  /// rho: the mean confidence of each teacher over the samples that have its modality; NaN where none has.
  [[nodiscard]] PerModality<double> confidence() const {
    const auto is_absent = tensors_.confidence.eq(detail::CachedTensors::absent);
    const auto mean = tensors_.confidence.masked_fill(is_absent, std::nan("")).nanmean(0);
    return {mean.const_data_ptr<double>(), mean.const_data_ptr<double>() + mean.numel()};
  }

  /// For a run ranked by this cache's own confidence, or by another measure. The cache must outlive the source, so that
  /// one without a name gives none.
  [[nodiscard]] TeacherSource source() const& { return source(confidence()); }
  [[nodiscard]] TeacherSource source() && = delete;
  [[nodiscard]] TeacherSource source(PerModality<double> confidence) && = delete;
  [[nodiscard]] TeacherSource source(PerModality<double> confidence) const& {
    auto summary = summary_;
    summary.confidence = std::move(confidence);
    return {.outputs = [this](const Batch& batch) { return outputs(batch); },
            .summary = std::move(summary),
            .without_logits = [this](const Batch& batch) { return outputs(batch, /*with_logits=*/false); },
            .needs_inputs = false};
  }

  [[nodiscard]] std::int64_t size() const { return index_.size(); }
  [[nodiscard]] double seconds() const {
    return seconds_;
  }  ///< That computing took, with handing its rows to a file; 0 when one was reused.
  [[nodiscard]] bool was_reused() const { return was_reused_; }

 private:
  TeacherCache(const Teachers& teachers, const TeacherCacheOptions& options)
      : summary_(teachers.summary({})), dtype_(teachers.dtype()), storage_(options.storage.value_or(dtype_)) {
    if (!c10::isFloatingType(storage_)) {
      throw ConfigError(fmt::format(
          "g2d: TeacherCache: storage: expected a floating-point dtype (at::kHalf, at::kFloat, ...), got {}",
          c10::toString(storage_)));
    }
    if (options.batch_size < 0) {
      throw ConfigError(fmt::format("g2d: TeacherCache: batch_size: expected at least 1, or 0 to choose it, got {}",
                                    options.batch_size));
    }
  }

  template <class Dataset, class Task>
  void compute_in_memory(const Teachers& teachers, const Dataset& dataset, const Task& task,
                         const TeacherCacheOptions& options) {
    tensors_ = detail::CachedTensors::make(dataset.size(), table_widths(), teachers[0].options().dtype(storage_));
    compute(
        teachers, dataset, task, options,
        [&](std::int64_t first, std::int64_t count) { return tensors_.rows(first, count); },
        [](std::int64_t, const detail::CachedTensors&) {});
    index_ = detail::SampleIndex(tensors_.ids);
  }

  /// No more than the rows of a batch are in memory. Takes the file's room before the long computation: what cannot be
  /// written shows at once.
  template <class Dataset, class Task>
  void compute_in_file(const detail::CacheFile& file, const Teachers& teachers, const Dataset& dataset,
                       const Task& task, const TeacherCacheOptions& options) {
    detail::CacheFile::Writer writer(file);
    detail::CachedTensors tensors;
    const auto rows = [&](std::int64_t, std::int64_t count) {
      if (!tensors.ids.defined() || tensors.ids.size(0) < count)
        tensors = detail::CachedTensors::make(count, table_widths(), storage_);
      return tensors.rows(0, count);
    };
    compute(teachers, dataset, task, options, rows,
            [&](std::int64_t first, const detail::CachedTensors& some) { writer.write(first, some); });
    writer.commit();
  }

  /// Batch by batch: fills rows(first, count), and hands them to write(first, rows).
  template <class Dataset, class Task, class Rows, class Write>
  void compute(const Teachers& teachers, const Dataset& dataset, const Task& task, const TeacherCacheOptions& options,
               Rows&& rows, Write&& write) {
    at::NoGradGuard no_grad;
    const auto begin = std::chrono::steady_clock::now();
    const auto device = teachers[0].options().device();
    const auto batch_size = options.batch_size > 0
                                ? options.batch_size
                                : detail::inference_batch_size(dataset.batch(at::zeros({1}, at::kLong)), device);
    std::int64_t first = 0;
    const auto batches = data::ordered_batches(dataset.size(), batch_size);
    auto stream = data::stream(dataset, batches);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      const auto batch = data::to_device(stream.next(), device);
      const auto some = rows(first, batch.size());
      fill(some, teachers, batch, task, options.precision);
      write(first, some);
      first += batch.size();
    }
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  template <class Task>
  void fill(const detail::CachedTensors& rows, const Teachers& teachers, const Batch& batch, const Task& task,
            Precision precision) const {
    detail::SampleIndex::check(batch.sample_ids);
    const auto outputs = teachers.predict(batch, precision);
    PerModality<at::Tensor> logits;
    for (std::size_t m = 0; m < rows.tables.size(); ++m) {
      features_of(rows.tables[m], m).copy_(outputs.features[m]);
      logits_of(rows.tables[m], m).copy_(outputs.logits[m]);
      check_range(rows.tables[m], teachers.names()[m]);
      logits.push_back(
          logits_of(rows.tables[m], m).to(outputs.logits[m].device(), dtype_));  // As stored, beside the targets.
    }
    rows.confidence.copy_(known_confidence(task, logits, batch));
    for (std::size_t m = 0; m < teachers.size(); ++m) {
      const auto of_teacher = rows.confidence.select(1, static_cast<std::int64_t>(m));
      confidence::check_not_diverged(of_teacher.sum().item<double>(), teachers.names()[m], "TeacherCache");
    }
    rows.ids.copy_(batch.sample_ids);
  }

  [[nodiscard]] PerModality<std::int64_t> table_widths() const {
    auto widths = summary_.feature_widths;
    for (auto& width : widths) width += summary_.num_outputs;
    return widths;
  }

  [[nodiscard]] at::Tensor features_of(const at::Tensor& rows, std::size_t m) const {
    return rows.narrow(1, 0, summary_.feature_widths[m]);
  }
  [[nodiscard]] at::Tensor logits_of(const at::Tensor& rows, std::size_t m) const {
    return rows.narrow(1, summary_.feature_widths[m], summary_.num_outputs);
  }

  /// Confidences [B, M], `absent` where a sample lacks the modality.
  template <class Task>
  [[nodiscard]] static at::Tensor known_confidence(const Task& task, const PerModality<at::Tensor>& logits,
                                                   const Batch& batch) {
    std::vector<at::Tensor> all;
    for (const auto& of_teacher : logits) all.push_back(task.confidence(of_teacher, batch.target).to(at::kDouble));
    const auto confidence = at::stack(all, 1);
    if (!batch.present.defined()) return confidence;
    return confidence.masked_fill(batch.present.logical_not(), detail::CachedTensors::absent);
  }

  /// A storage smaller than the teachers' dtype turns what it cannot hold into infinities. Asked of rows that were just
  /// written, while they are in the processor's cache.
  void check_range(const at::Tensor& rows, const std::string& name) const {
    if (storage_ == dtype_ || !has_infinity(rows)) return;
    throw ConfigError(
        fmt::format("g2d: TeacherCache: modality \"{}\": expected outputs that {} can hold, got larger ones; use "
                    "storage = at::kFloat",
                    name, c10::toString(storage_)));
  }

  /// The extremes take a tenth of the time of asking every value, and a NaN is the only thing that hides others from
  /// them.
  [[nodiscard]] static bool has_infinity(const at::Tensor& table) {
    const auto [least, greatest] = at::aminmax(table);
    if (least.isnan().template item<bool>()) return table.isinf().any().template item<bool>();
    return least.isinf().logical_or(greatest.isinf()).template item<bool>();
  }

  /// Whether the confidences of the first samples are those of this task, which no fingerprint tells.
  template <class Dataset, class Task>
  [[nodiscard]] bool has_confidence_of(const Task& task, const Dataset& dataset) const {
    constexpr std::int64_t most = 128;
    const Batch batch = dataset.batch(at::arange(std::min(most, dataset.size()), at::kLong));
    const auto known = outputs(batch);
    const auto confidence =
        known_confidence(task, known.logits, batch).clamp_min(0.0).cpu();  // As outputs() gives them.
    return confidence.allclose(known.confidence, 1e-4, 1e-6);
  }

  /// Features [B, D_m] and logits [B, C] of one teacher; without logits, undefined ones.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> gather(std::size_t m, const at::Tensor& rows, at::Device device,
                                                         bool with_logits) const {
    const auto& table = tensors_.tables[m];
    if (table.is_cpu() && device.is_cpu() && storage_ == dtype_) return copy_rows(m, rows, with_logits);
    const auto some = (with_logits ? table : features_of(table, m))
                          .index_select(0, rows.to(table.device(), /*non_blocking=*/true))
                          .to(device, /*non_blocking=*/true)
                          .to(dtype_);  // After the copy to a device: half the bytes of a small storage.
    return {features_of(some, m), with_logits ? logits_of(some, m) : at::Tensor()};
  }

  /// Row by row in host memory: a row is kilobytes in one piece, so that operators would cost more than the copy; and
  /// features and logits come out contiguous each.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> copy_rows(std::size_t m, const at::Tensor& rows,
                                                            bool with_logits) const {
    const auto& table = tensors_.tables[m];
    const auto size_of = [&](std::int64_t width) { return static_cast<std::size_t>(width * table.element_size()); };
    const auto feature_bytes = size_of(summary_.feature_widths[m]), logit_bytes = size_of(summary_.num_outputs);
    auto features = at::empty({rows.size(0), summary_.feature_widths[m]}, table.options());
    auto logits = with_logits ? at::empty({rows.size(0), summary_.num_outputs}, table.options()) : at::Tensor();
    const auto* from = static_cast<const char*>(table.const_data_ptr());
    auto* to_features = static_cast<char*>(features.mutable_data_ptr());
    auto* to_logits = with_logits ? static_cast<char*>(logits.mutable_data_ptr()) : nullptr;
    const auto indices = rows.accessor<std::int64_t, 1>();
    for (std::int64_t i = 0; i < indices.size(0); ++i) {
      const auto* row = from + static_cast<std::size_t>(indices[i]) * (feature_bytes + logit_bytes);
      std::memcpy(to_features, row, feature_bytes);
      to_features += feature_bytes;
      if (!with_logits) continue;
      std::memcpy(to_logits, row + feature_bytes, logit_bytes);
      to_logits += logit_bytes;
    }
    return {features, logits};
  }

  /// [B, M], 0 where a sample lacks the modality. In a plain loop, which costs less than operators do.
  [[nodiscard]] at::Tensor confidence_of(const at::Tensor& rows) const {
    auto known = at::empty({rows.size(0), tensors_.confidence.size(1)}, at::kDouble);
    const auto from = tensors_.confidence.accessor<double, 2>();
    auto to = known.accessor<double, 2>();
    const auto indices = rows.accessor<std::int64_t, 1>();
    for (std::int64_t i = 0; i < to.size(0); ++i) {
      for (std::int64_t m = 0; m < to.size(1); ++m) {
        const double confidence = from[indices[i]][m];
        to[i][m] = confidence == detail::CachedTensors::absent ? 0.0 : confidence;
      }
    }
    return known;
  }

  template <class Dataset>
  [[nodiscard]] detail::CacheFile file_of(const Teachers& teachers, const Dataset& dataset,
                                          const TeacherCacheOptions& options) const {
    for (std::size_t m = 0; m < teachers.size(); ++m) {
      if (teachers[m].module()->parameters().empty() && teachers[m].module()->buffers().empty()) {
        throw ConfigError(
            fmt::format("g2d: TeacherCache: modality \"{}\": expected a teacher with parameters, which tell its file "
                        "from another's, got "
                        "none; leave the file out",
                        teachers.names()[m]));
      }
    }
    detail::CacheHeader header;
    copy_text(teachers.fingerprint(), header.teachers);
    copy_text(Fingerprint().add(dataset.fingerprint()).str(), header.data);
    header.num_samples = dataset.size();
    header.num_outputs = summary_.num_outputs;
    header.num_modalities = static_cast<std::int64_t>(teachers.size());
    header.dtype = static_cast<std::int64_t>(storage_);
    header.precision = static_cast<std::int64_t>(options.precision);
    return {options.file, header, summary_.feature_widths};
  }

  static void copy_text(const std::string& text, std::array<char, 16>& target) {
    std::copy_n(text.begin(), std::min(text.size(), target.size()), target.begin());
  }

  /// Takes the tensors of its file, if there is the one.
  [[nodiscard]] bool map(const detail::CacheFile& file) {
    auto tensors = file.map();
    if (!tensors) return false;
    tensors_ = std::move(*tensors);
    is_mapped_ = true;
    index_ = detail::SampleIndex(tensors_.ids);
    was_reused_ = true;
    return true;
  }

  TeacherSummary summary_;
  at::ScalarType dtype_;    ///< The teachers', of what is handed out.
  at::ScalarType storage_;  ///< Of the tables.
  detail::CachedTensors tensors_;
  detail::SampleIndex index_;
  std::optional<detail::MeanTable> mean_;
  double seconds_ = 0.0;
  bool was_reused_ = false;
  bool is_mapped_ = false;  ///< The tables, from the file.
};

}  // namespace g2d
