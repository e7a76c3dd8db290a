// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_unique.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isin.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/lower_case.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/data/held_out.hpp>
#include <g2d/data/split_at_random.hpp>
#include <g2d/data/split_by_class.hpp>
#include <g2d/data/split_by_group.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/io/cell.hpp>
#include <g2d/io/table.hpp>

namespace g2d::dataset::detail {

/// How rows are divided that no list divides.
struct SplitFractions {
  double validation = 0;  ///< Of all rows; of the training rows where the test rows are named.
  double test = 0;        ///< Of all rows.
  std::uint64_t seed = 0;
};

/// What the entries of a list are divided by.
struct SplitKeys {
  at::Tensor targets;                      ///< [N, ...]; int64 [N]: classes.
  std::vector<std::string> class_names{};  ///< For warnings; empty: numbers.
  at::Tensor groups{};                     ///< int64 [N]: rows of one group stay together; undefined: each for itself.

  [[nodiscard]] bool has_classes() const { return targets.dim() == 1 && targets.scalar_type() == at::kLong; }
};

/// Holds out whole groups where there are any, else rows of every class where the targets are classes, else at random.
///
/// Shapes     rows int64 [R].
[[nodiscard]] inline data::HeldOut hold_out(const at::Tensor& rows, const SplitKeys& keys, double fraction,
                                            at::Generator generator, std::string_view what) {
  const auto classes = keys.has_classes() ? keys.targets.index_select(0, rows) : at::Tensor();
  if (keys.groups.defined()) {
    return data::split_by_group(keys.groups.index_select(0, rows), classes, rows, fraction, std::move(generator), what);
  }
  return classes.defined() ? data::split_by_class(classes, rows, fraction, std::move(generator), what)
                           : data::split_at_random(rows, fraction, std::move(generator), what);
}

/// Rows that are not divided, and the others.
struct SetAside {
  at::Tensor kept, others;
};

/// Sets the rows aside that are of a class too rare to give each of `num_parts` one of its rows (or groups, with all
/// that is in them): they go to training, and a warning names the class.
[[nodiscard]] inline SetAside set_rare_classes_aside(const at::Tensor& rows, const SplitKeys& keys,
                                                     std::size_t num_parts, std::vector<std::string>& warnings) {
  const auto none = at::zeros({rows.size(0)}, at::kBool);
  auto aside = none;
  if (!keys.has_classes()) return {rows.masked_select(none), rows};
  const auto classes = keys.targets.index_select(0, rows);
  const auto units = keys.groups.defined() ? keys.groups.index_select(0, rows) : rows;
  for (std::int64_t c = 0, last = rows.numel() == 0 ? -1 : classes.max().item<std::int64_t>(); c <= last; ++c) {
    const auto members = classes.eq(c);
    const auto of_class = std::get<0>(at::_unique(units.masked_select(members)));
    const auto count = of_class.size(0);
    if (count == 0 || count >= static_cast<std::int64_t>(num_parts)) continue;
    aside = aside.logical_or(at::isin(units, of_class));
    const auto name = static_cast<std::size_t>(c) < keys.class_names.size()
                          ? keys.class_names[static_cast<std::size_t>(c)]
                          : fmt::to_string(c);
    const auto* unit = keys.groups.defined() ? "group" : "sample";
    warnings.push_back(fmt::format("class \"{}\" has {} {}{}, too few to divide: all in training", name, count, unit,
                                   count == 1 ? "" : "s"));
  }
  return {rows.masked_select(aside), rows.masked_select(aside.logical_not())};
}

/// Warns of classes that no training sample is of. `labels`: int64 [N], of the training samples.
inline void warn_of_untrained_classes(const at::Tensor& labels, const std::vector<std::string>& names,
                                      std::vector<std::string>& warnings) {
  const auto absent = at::bincount(labels, {}, static_cast<std::int64_t>(names.size())).eq(0).nonzero().squeeze(1);
  if (absent.size(0) == 0) return;
  constexpr std::int64_t num_shown = 5;
  std::vector<std::string> shown;
  for (std::int64_t i = 0; i < std::min(absent.size(0), num_shown); ++i)
    shown.push_back(names[static_cast<std::size_t>(absent[i].item<std::int64_t>())]);
  warnings.push_back(fmt::format("{} of {} classes have no training sample: {}{}", absent.size(0), names.size(),
                                 fmt::join(shown, ", "), absent.size(0) > num_shown ? ", ..." : ""));
}

[[nodiscard]] inline at::Tensor join_rows(const at::Tensor& a, const at::Tensor& b) {
  return std::get<0>(at::cat({a, b}).sort());
}

/// The training rows without those held out for validation; a class of one row or group is not divided.
[[nodiscard]] inline data::HeldOut hold_out_validation(const at::Tensor& rows, const SplitKeys& keys, double fraction,
                                                       at::Generator generator, std::string_view what,
                                                       std::vector<std::string>& warnings) {
  const auto [aside, others] = set_rare_classes_aside(rows, keys, 2, warnings);
  auto [kept, held_out] = hold_out(others, keys, fraction, std::move(generator), what);
  return {join_rows(kept, aside), std::move(held_out)};
}

/// All rows: first the test rows are held out, then the validation rows.
[[nodiscard]] inline data::Splits<at::Tensor> divide(const at::Tensor& rows, const SplitKeys& keys,
                                                     const SplitFractions& fractions, std::string_view what,
                                                     std::vector<std::string>& warnings) {
  if (!(fractions.validation > 0 && fractions.test > 0 && fractions.validation + fractions.test < 1)) {
    throw ConfigError(fmt::format(
        "g2d: {}: expected fractions of validation and test above 0 that leave some to train, got {} and {}", what,
        fractions.validation, fractions.test));
  }
  const auto [aside, others] = set_rare_classes_aside(rows, keys, 3, warnings);
  const auto test = hold_out(others, keys, fractions.test, make_generator(fractions.seed, 0), what);
  const auto validation =
      hold_out(test.kept, keys, fractions.validation / (1 - fractions.test), make_generator(fractions.seed, 1), what);
  return {join_rows(validation.kept, aside), validation.held_out, test.held_out};
}

/// Errors     DataError naming a group whose rows are in two splits, and both lines.
inline void check_disjoint_groups(const io::Table& table, const data::Splits<at::Tensor>& splits,
                                  const at::Tensor& groups, std::string_view column) {
  if (!groups.defined()) return;
  std::map<std::int64_t, std::pair<std::string_view, std::int64_t>> first_of;  // group -> split, row
  const auto add = [&](std::string_view split, const at::Tensor& rows) {
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
      const auto row = rows[i].item<std::int64_t>();
      const auto [known, is_new] = first_of.try_emplace(groups[row].item<std::int64_t>(), split, row);
      const auto& [other_split, other_row] = known->second;
      if (is_new || other_split == split) continue;
      throw DataError(fmt::format(
          "g2d: {}: column \"{}\": expected every group in one split, got \"{}\" in {} here and in {} in line {}",
          table.location(static_cast<std::size_t>(row)), column,
          table.cell(static_cast<std::size_t>(row), table.column(column)), split, other_split,
          table.line(static_cast<std::size_t>(other_row))));
    }
  };
  add("training", splits.train);
  add("validation", splits.validation);
  add("test", splits.test);
}

/// The rows as a column names their splits: "train", "validation" ("val", "dev"), "test", in any case. Without
/// validation rows, some of the training rows are held out.
///
/// Errors     DataError naming the file, and the line of another text; when training or test rows are missing.
[[nodiscard]] inline data::Splits<at::Tensor> divide_as_named(const io::Table& table, const std::string& column,
                                                              const std::vector<std::int64_t>& rows,
                                                              const SplitKeys& keys, const SplitFractions& fractions,
                                                              std::vector<std::string>& warnings) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 5> known{
      {{"train", 0}, {"validation", 1}, {"val", 1}, {"dev", 1}, {"test", 2}}};
  std::array<std::vector<std::int64_t>, 3> parts;
  const auto index = table.column(column);
  for (const auto row : rows) {
    const auto text = lower_case(io::trimmed(table.cell(static_cast<std::size_t>(row), index)));
    const auto* found =
        std::find_if(known.begin(), known.end(), [&](const auto& split) { return split.first == text; });
    if (found == known.end()) {
      throw DataError(fmt::format("g2d: {}: column \"{}\": expected train, validation (val, dev) or test, got \"{}\"",
                                  table.location(static_cast<std::size_t>(row)), column,
                                  table.cell(static_cast<std::size_t>(row), index)));
    }
    parts[found->second].push_back(row);
  }
  if (parts[0].empty() || parts[2].empty()) {
    throw DataError(fmt::format("g2d: {}: column \"{}\": expected rows for train and test, got {} and {}",
                                table.path().string(), column, parts[0].size(), parts[2].size()));
  }
  const auto tensor = [](const std::vector<std::int64_t>& part) { return at::tensor(part, at::kLong); };
  if (!parts[1].empty()) return {tensor(parts[0]), tensor(parts[1]), tensor(parts[2])};
  auto [train, validation] = hold_out_validation(tensor(parts[0]), keys, fractions.validation,
                                                 make_generator(fractions.seed, 1), table.path().string(), warnings);
  return {std::move(train), std::move(validation), tensor(parts[2])};
}

}  // namespace g2d::dataset::detail
