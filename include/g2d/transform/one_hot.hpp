// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>

namespace g2d::transform {

/// A column of texts as one column of 0 and 1 for each category of the training split.
///
///     y[k] = 1 if the text is categories[k], else 0
///
/// Unknown texts and missing ones (empty) are 0 everywhere.
///
/// Shapes     in: N texts; out: float32 [N, K].
/// Errors     ConfigError unless the categories are at least one, different and not empty.
class OneHot {
 public:
  /// Columns in this order.
  explicit OneHot(std::vector<std::string> categories) : categories_(std::move(categories)) {
    const std::set<std::string_view> different(categories_.begin(), categories_.end());
    if (categories_.empty() || different.size() != categories_.size() || different.contains("")) {
      throw ConfigError(fmt::format(
          "g2d: transform::OneHot: expected different categories that are not empty, got {} of which {} differ",
          categories_.size(), different.size()));
    }
  }

  /// The texts of the training split, each once, sorted.
  [[nodiscard]] static OneHot fit(std::span<const std::string> train) {
    std::set<std::string> categories(train.begin(), train.end());
    categories.erase("");
    if (categories.empty()) {
      throw DataError(
          fmt::format("g2d: transform::OneHot::fit: expected at least one text, got {} empty ones", train.size()));
    }
    return OneHot({categories.begin(), categories.end()});
  }

  [[nodiscard]] at::Tensor operator()(std::span<const std::string> texts) const {
    auto encoded =
        at::zeros({static_cast<std::int64_t>(texts.size()), static_cast<std::int64_t>(categories_.size())}, at::kFloat);
    auto cells = encoded.accessor<float, 2>();
    for (std::size_t row = 0; row < texts.size(); ++row) {
      const auto found = std::find(categories_.begin(), categories_.end(), texts[row]);
      if (found != categories_.end()) cells[static_cast<std::int64_t>(row)][found - categories_.begin()] = 1;
    }
    return encoded;
  }

  [[nodiscard]] const std::vector<std::string>& categories() const { return categories_; }

  /// Lengths go before the texts, so that no two lists of categories share a description.
  [[nodiscard]] std::string description() const {
    std::string text = "one hot";
    for (const auto& category : categories_) text += fmt::format(" {}:{}", category.size(), category);
    return text;
  }

 private:
  std::vector<std::string> categories_;
};

}  // namespace g2d::transform
