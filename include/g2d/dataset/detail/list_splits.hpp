// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/data/held_out.hpp>
#include <g2d/data/split_at_random.hpp>
#include <g2d/data/split_by_class.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/io/table.hpp>

namespace g2d::dataset::detail {

/// How rows are divided that no list divides.
struct SplitFractions {
  double validation = 0;  ///< Of all rows; of the training rows where the test rows are named.
  double test = 0;        ///< Of all rows.
  std::uint64_t seed = 0;
};

/// Holds out rows of every class where the targets are classes, at random otherwise.
///
/// Shapes     rows int64 [R]; targets [N, ...], of all entries.
[[nodiscard]] inline data::HeldOut hold_out(const at::Tensor& rows, const at::Tensor& targets, double fraction,
                                            at::Generator generator, std::string_view what) {
  const bool has_classes = targets.dim() == 1 && targets.scalar_type() == at::kLong;
  return has_classes ? data::split_by_class(targets.index_select(0, rows), rows, fraction, std::move(generator), what)
                     : data::split_at_random(rows, fraction, std::move(generator), what);
}

/// All rows: first the test rows are held out, then the validation rows.
[[nodiscard]] inline data::Splits<at::Tensor> divide(const at::Tensor& rows, const at::Tensor& targets,
                                                     const SplitFractions& fractions, std::string_view what) {
  if (!(fractions.validation > 0 && fractions.test > 0 && fractions.validation + fractions.test < 1)) {
    throw ConfigError(fmt::format(
        "g2d: {}: expected fractions of validation and test above 0 that leave some to train, got {} and {}", what,
        fractions.validation, fractions.test));
  }
  const auto test = hold_out(rows, targets, fractions.test, make_generator(fractions.seed, 0), what);
  const auto validation = hold_out(test.kept, targets, fractions.validation / (1 - fractions.test),
                                   make_generator(fractions.seed, 1), what);
  return {validation.kept, validation.held_out, test.held_out};
}

/// The rows as a column names their splits: "train", "validation" ("val", "dev"), "test". Without validation rows, some
/// of the training rows are held out.
///
/// Errors     DataError naming the file, and the line of another text; when training or test rows are missing.
[[nodiscard]] inline data::Splits<at::Tensor> divide_as_named(const io::Table& table, const std::string& column,
                                                              const std::vector<std::int64_t>& rows,
                                                              const at::Tensor& targets,
                                                              const SplitFractions& fractions) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 5> known{
      {{"train", 0}, {"validation", 1}, {"val", 1}, {"dev", 1}, {"test", 2}}};
  std::array<std::vector<std::int64_t>, 3> parts;
  const auto index = table.column(column);
  for (const auto row : rows) {
    const auto& text = table.cell(static_cast<std::size_t>(row), index);
    const auto* found =
        std::find_if(known.begin(), known.end(), [&](const auto& split) { return split.first == text; });
    if (found == known.end()) {
      throw DataError(fmt::format("g2d: {}: column \"{}\": expected train, validation (val, dev) or test, got \"{}\"",
                                  table.location(static_cast<std::size_t>(row)), column, text));
    }
    parts[found->second].push_back(row);
  }
  if (parts[0].empty() || parts[2].empty()) {
    throw DataError(fmt::format("g2d: {}: column \"{}\": expected rows for train and test, got {} and {}",
                                table.path().string(), column, parts[0].size(), parts[2].size()));
  }
  const auto tensor = [](const std::vector<std::int64_t>& part) { return at::tensor(part, at::kLong); };
  if (!parts[1].empty()) return {tensor(parts[0]), tensor(parts[1]), tensor(parts[2])};
  const auto validation = hold_out(tensor(parts[0]), targets, fractions.validation, make_generator(fractions.seed, 1),
                                   table.path().string());
  return {validation.kept, validation.held_out, tensor(parts[2])};
}

}  // namespace g2d::dataset::detail
