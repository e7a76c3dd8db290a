// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>
#include <g2d/transform/detail/describe_values.hpp>
#include <g2d/transform/standardize.hpp>

namespace g2d::transform {

/// Settings of TableScaler.
struct TableScalerOptions {
  /// Appends a column of 0 and 1, "was missing", for each column with a missing value in training.
  bool marks_missing = false;
};

/// Columns of a table, NaN where a value is missing, filled and scaled by statistics of the training split.
///
///     z[d] = x[d], or the training median of column d if x[d] is NaN
///     y[d] = (z[d] - mean[d]) / deviation[d]
///
/// with mean and biased deviation of the filled training column; the deviation of a constant one is 1.
///
/// Shapes     in: [D] or [N, D]; out: [D + K] or [N, D + K], K the number of columns appended.
/// Dtype      floating; kept. Computed in double.
/// Errors     ShapeError unless the rows have D floating point columns.
class TableScaler {
 public:
  using Options = TableScalerOptions;

  /// Errors     ShapeError unless the rows are [N, D]; DataError naming the column with infinite values or none, and
  ///            when all columns are constant.
  [[nodiscard]] static TableScaler fit(const at::Tensor& train, const Options& options = {}) {
    detail::check_sample(train, 2, "rows [N, D]", "transform::TableScaler::fit");
    const auto rows = train.to(at::kCPU, at::kDouble);
    const auto is_missing = rows.isnan();

    auto medians = at::empty({rows.size(1)}, at::kDouble);
    std::vector<std::int64_t> marked;
    for (std::int64_t column = 0; column < rows.size(1); ++column) {
      const auto present = rows.select(1, column).masked_select(is_missing.select(1, column).logical_not());
      const auto count = present.size(0);
      if (count == 0 || !present.isfinite().all().item<bool>()) {
        throw DataError(fmt::format(
            "g2d: transform::TableScaler::fit: column {} of {}: expected finite values, got {}; leave it out", column,
            rows.size(1), count == 0 ? "none" : "infinity"));
      }
      const auto sorted = std::get<0>(present.sort());
      medians[column] = sorted[(count - 1) / 2].add(sorted[count / 2]).div(2);
      if (options.marks_missing && count < rows.size(0)) marked.push_back(column);
    }
    return {medians, Standardize::fit(at::where(is_missing, medians, rows), {0}), std::move(marked)};
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& rows) const {
    detail::check_floating(rows, "transform::TableScaler");
    if (rows.dim() < 1 || rows.dim() > 2 || rows.size(-1) != medians_.size(0)) {
      throw ShapeError(fmt::format("g2d: transform::TableScaler: expected rows [{0}] or [N, {0}], got {1}",
                                   medians_.size(0), to_string(rows.sizes())));
    }
    const auto is_missing = rows.isnan();
    const auto filled = at::where(is_missing, medians_, rows.to(at::kDouble));
    const auto scaled = standardize_(filled).to(rows.scalar_type());
    if (marked_.empty()) return scaled;
    const auto marks = is_missing.index_select(-1, at::tensor(marked_, at::kLong)).to(rows.scalar_type());
    return at::cat({scaled, marks}, -1);
  }

  /// For each column of the output that is not scaled but says "was missing": the column of the input.
  [[nodiscard]] const std::vector<std::int64_t>& marked() const { return marked_; }

  [[nodiscard]] std::string description() const {
    return fmt::format("table scaler medians {} marked {} {}", detail::describe_values(medians_), to_string(marked_),
                       standardize_.description());
  }

 private:
  TableScaler(at::Tensor medians, Standardize standardize, std::vector<std::int64_t> marked)
      : medians_(std::move(medians)), standardize_(std::move(standardize)), marked_(std::move(marked)) {}

  at::Tensor medians_;
  Standardize standardize_;
  std::vector<std::int64_t> marked_;
};

static_assert(TransformPolicy<TableScaler>);

}  // namespace g2d::transform
