// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/dataset/table_columns.hpp>
#include <g2d/io/table.hpp>
#include <g2d/transform/one_hot.hpp>
#include <g2d/transform/table_scaler.hpp>

namespace g2d::dataset::detail {

/// Makes rows of numbers of a table, with the statistics of training rows.
class TableEncoder {
 public:
  /// Shapes     train: the training rows, int64 [R] in host memory.
  /// Errors     DataError naming the file and the column; when nothing is left to encode.
  TableEncoder(const io::Table& table, const at::Tensor& train, TableColumns columns) : columns_(std::move(columns)) {
    if (!columns_.numbers.empty()) fit_numbers(table, train);
    for (const auto& name : columns_.categories) fit_category(table, train, name);
    if (!scaler_ && encoders_.empty()) {
      throw DataError(
          fmt::format("g2d: {}: expected a column of numbers, or of texts that training rows share, got none",
                      table.path().string()));
    }
  }

  /// float32 [N, D], for this table or another one with these columns.
  [[nodiscard]] at::Tensor operator()(const io::Table& table) const {
    std::vector<at::Tensor> parts;
    if (scaler_) parts.push_back((*scaler_)(numbers(table)).to(at::kFloat));
    for (const auto& [name, encoder] : encoders_) parts.push_back(encoder(texts(table, name)));
    return at::cat(parts, 1);
  }

  [[nodiscard]] std::string description() const {
    std::vector<std::string> parts;
    if (scaler_) parts.push_back(fmt::format("[{}] {}", fmt::join(columns_.numbers, ", "), scaler_->description()));
    for (const auto& [name, encoder] : encoders_) parts.push_back(fmt::format("[{}] {}", name, encoder.description()));
    return fmt::format("{}", fmt::join(parts, ", "));
  }

 private:
  [[nodiscard]] at::Tensor numbers(const io::Table& table) const {
    std::vector<at::Tensor> columns;
    for (const auto& name : columns_.numbers) columns.push_back(table.numbers(name));
    return at::stack(columns, 1);
  }

  [[nodiscard]] static std::vector<std::string> texts(const io::Table& table, const std::string& name) {
    const auto column = table.column(name);
    std::vector<std::string> texts;
    for (std::size_t row = 0; row < table.num_rows(); ++row) texts.emplace_back(io::trimmed(table.cell(row, column)));
    return texts;
  }

  void fit_numbers(const io::Table& table, const at::Tensor& train) {
    try {
      scaler_ = transform::TableScaler::fit(numbers(table).index_select(0, train));
    } catch (const DataError& error) {
      std::string_view reason = error.what();
      if (reason.starts_with("g2d: ")) reason.remove_prefix(5);
      throw DataError(
          fmt::format("g2d: {}: columns [{}]: {}", table.path().string(), fmt::join(columns_.numbers, ", "), reason));
    }
  }

  void fit_category(const io::Table& table, const at::Tensor& train, const std::string& name) {
    const auto all = texts(table, name);
    std::map<std::string, std::int64_t> counts;
    const auto* rows = train.const_data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < train.size(0); ++i) ++counts[all[static_cast<std::size_t>(rows[i])]];
    std::vector<std::string> categories;
    for (const auto& [text, count] : counts) {
      if (!text.empty() && count >= columns_.min_count) categories.push_back(text);
    }
    if (!categories.empty()) encoders_.emplace_back(name, std::move(categories));
  }

  TableColumns columns_;
  std::optional<transform::TableScaler> scaler_;
  std::vector<std::pair<std::string, transform::OneHot>> encoders_;
};

}  // namespace g2d::dataset::detail
