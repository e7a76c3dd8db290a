// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/data/read_files.hpp>
#include <g2d/data/read_rows.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/dataset.hpp>
#include <g2d/dataset/detail/list_splits.hpp>
#include <g2d/dataset/detail/photograph.hpp>
#include <g2d/dataset/detail/require_folder.hpp>
#include <g2d/dataset/detail/table_encoder.hpp>
#include <g2d/dataset/missing_files.hpp>
#include <g2d/io/csv.hpp>
#include <g2d/io/detail/ending.hpp>
#include <g2d/io/table.hpp>
#include <g2d/transform/chain.hpp>

namespace g2d::dataset {

/// Settings of read_houses.
struct HousesOptions {
  std::vector<std::string> modalities{"bathroom", "bedroom", "frontal", "kitchen", "table"};  ///< Two to five of these.
  std::int64_t image_size = 64;      ///< Pixels, height and width.
  std::int64_t min_zip_count = 10;   ///< A zip code of fewer training houses gets no column of the table.
  bool augments = false;             ///< Random crops and flips in the training split.
  double validation_fraction = 0.2;  ///< Of all houses.
  double test_fraction = 0.2;        ///< Of all houses.
  std::uint64_t seed = 0;            ///< Of the splits and the augmentation.
  MissingFiles missing_files = MissingFiles::Refuse;
};

namespace detail {

inline constexpr std::string_view houses_where = "dataset::read_houses";
inline constexpr std::string_view houses_layout =
    "<n>_bathroom.jpg, <n>_bedroom.jpg, <n>_frontal.jpg, <n>_kitchen.jpg and HousesInfo.txt, whose line n is "
    "\"bedrooms bathrooms area "
    "zip price\" of house n";

inline void check_houses(const HousesOptions& options) {
  constexpr std::array<std::string_view, 5> known{"bathroom", "bedroom", "frontal", "kitchen", "table"};
  const ModalityNames names(options.modalities);
  const bool are_known = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(known.begin(), known.end(), name) != known.end();
  });
  if (!are_known || names.size() < 2) {
    throw ConfigError(fmt::format("g2d: {}: expected two to five of the modalities {}, got {}", houses_where,
                                  fmt::join(known, ", "), names.joined()));
  }
}

[[nodiscard]] inline at::Tensor house_prices(const io::Table& table) {
  const auto prices = table.numbers("price").to(at::kFloat).unsqueeze(1);
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    if (!std::isnan(prices[static_cast<std::int64_t>(row)].item<double>())) continue;
    throw DataError(fmt::format("g2d: {}: {}: expected a price, got nothing", houses_where, table.location(row)));
  }
  return prices;
}

}  // namespace detail

/// Reads the Houses dataset: what a house costs, from photographs of four rooms or sides (modalities "bathroom",
/// "bedroom", "frontal", "kitchen") and a line of numbers ("table").
///
/// Layout     the public one: <n>_<room>.jpg for n from 1, and HousesInfo.txt, line n: bedrooms, bathrooms, area in
///            square feet, zip code, price.
/// Splits     at random; the dataset has none.
/// Images     image_size squared, bilinear with antialiasing; ImageNet's mean and deviation.
/// Table      bedrooms, bathrooms and area standardised by the training rows; the zip code one-hot, for zips with
///            min_zip_count training houses.
/// Target     the price in USD, [N, 1].
/// Errors     DataError naming what is missing and the layout; the line of what is no number; houses without a
///            photograph that is read, unless those are dropped. ConfigError for settings out of range.
/// Source     Ahmed and Moustafa 2016, arXiv:1609.08399; preprocessing ours.
[[nodiscard]] inline Dataset read_houses(const std::filesystem::path& folder, const HousesOptions& options = {}) {
  constexpr auto where = detail::houses_where;
  detail::check_houses(options);
  const auto info = folder / "HousesInfo.txt";
  detail::require_folder(where, folder, detail::houses_layout);
  detail::require_file(where, info, detail::houses_layout);
  const auto table = io::read_csv(
      info, {.delimiter = ' ', .has_header = false, .column_names = {"bedrooms", "bathrooms", "area", "zip", "price"}});

  const auto image_of = [&](const std::string& name, const std::string& modality) {
    return io::detail::find_ending(folder / fmt::format("{}_{}.jpg", name, modality));
  };
  std::vector<std::string> names;
  std::vector<std::vector<std::filesystem::path>> files(table.num_rows());
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    names.push_back(fmt::to_string(row + 1));
    for (const auto& modality : options.modalities) {
      if (modality != "table") files[row].push_back(image_of(names[row], modality));
    }
  }
  std::vector<std::string> warnings;
  const auto complete = FileCheck(std::string(where), options.missing_files).complete(names, files, warnings);
  const auto prices = detail::house_prices(table);
  const auto rows = detail::divide(at::tensor(std::vector<std::int64_t>(complete.begin(), complete.end()), at::kLong),
                                   {.targets = prices},
                                   {options.validation_fraction, options.test_fraction, options.seed}, where, warnings);
  const detail::TableEncoder encoder(
      table, rows.train,
      {.numbers = {"bedrooms", "bathrooms", "area"}, .categories = {"zip"}, .min_count = options.min_zip_count});

  const auto samples = [&](const at::Tensor& some, bool augments) {
    const auto photograph = detail::prepare_photograph({.size = options.image_size}, augments);
    std::vector<data::ModalityReader> readers;
    for (const auto& modality : options.modalities) {
      if (modality == "table") {
        readers.push_back(data::read_rows(modality, encoder(table), transform::Chain()));
        continue;
      }
      std::vector<std::filesystem::path> images;
      for (const auto& name : names) images.push_back(image_of(name, modality));
      readers.push_back(data::read_files(modality, std::move(images), detail::decode_photograph, photograph));
    }
    return data::Samples(std::move(readers), {.names = names, .targets = prices}, options.seed).subset(some);
  };
  data::Splits<data::Samples> splits{samples(rows.train, options.augments), samples(rows.validation, false),
                                     samples(rows.test, false)};
  const auto photograph = [&](bool augments) {
    return detail::prepare_photograph({.size = options.image_size}, augments).description();
  };
  auto description = fmt::format(
      "Houses; {}; splits at random: validation {}, test {}, seed {}; photographs: {}, in training {}; table: {}",
      fmt::join(options.modalities, ", "), options.validation_fraction, options.test_fraction, options.seed,
      photograph(false), photograph(options.augments), encoder.description());
  return {"Houses",
          std::move(splits),
          {OutputKind::Values, 1, {"price"}, "USD"},
          std::move(description),
          std::move(warnings)};
}

}  // namespace g2d::dataset
