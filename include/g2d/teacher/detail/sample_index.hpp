// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/searchsorted.h>
#include <fmt/format.h>

#include <cstdint>
#include <tuple>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>

namespace g2d::detail {

/// Finds the rows of a cache's tables by the ids of samples; ids 0, 1, 2, ... are rows already.
class SampleIndex {
 public:
  SampleIndex() = default;
  /// `ids`: int64 [N], of each row.
  explicit SampleIndex(const at::Tensor& ids)
      : size_(ids.size(0)), is_identity_(ids.equal(at::arange(size_, at::kLong))) {
    if (!is_identity_) std::tie(sorted_ids_, sorted_rows_) = ids.sort();
  }

  /// Throws ShapeError for what are no ids of a batch.
  static void check(const at::Tensor& ids) {
    if (!ids.defined())
      throw ShapeError("g2d: TeacherCache: expected a batch with sample_ids, got none; datasets give them");
    if (ids.dim() != 1 || ids.scalar_type() != at::kLong || !ids.is_cpu()) {
      throw ShapeError(fmt::format("g2d: TeacherCache: expected sample_ids int64 [B] in host memory, got {} {} on {}",
                                   c10::toString(ids.scalar_type()), to_string(ids.sizes()), ids.device().str()));
    }
  }

  [[nodiscard]] std::int64_t size() const { return size_; }

  [[nodiscard]] at::Tensor rows_of(const at::Tensor& ids) const {
    check(ids);
    if (is_identity_) {
      check_rows(ids);
      return ids;
    }
    const auto found = at::searchsorted(sorted_ids_, ids).clamp_max(size_ - 1);
    check_known(sorted_ids_.index_select(0, found).ne(ids), ids);
    return sorted_rows_.index_select(0, found);
  }

 private:
  /// In a plain loop: for a batch of host numbers, operators cost more than the gather that follows.
  void check_rows(const at::Tensor& ids) const {
    const auto values = ids.accessor<std::int64_t, 1>();
    for (std::int64_t i = 0; i < values.size(0); ++i) {
      if (values[i] < 0 || values[i] >= size_) throw_unknown(values[i]);
    }
  }

  static void check_known(const at::Tensor& is_unknown, const at::Tensor& ids) {
    if (is_unknown.any().item<bool>()) throw_unknown(ids.masked_select(is_unknown)[0].item<std::int64_t>());
  }

  [[noreturn]] static void throw_unknown(std::int64_t id) {
    throw DataError(
        fmt::format("g2d: TeacherCache: expected samples that the teachers have seen, got sample id {}; precompute "
                    "over the dataset "
                    "that is trained on",
                    id));
  }

  std::int64_t size_ = 0;
  bool is_identity_ = true;
  at::Tensor sorted_ids_;
  at::Tensor sorted_rows_;
};

}  // namespace g2d::detail
