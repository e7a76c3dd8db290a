// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/data/read_files.hpp>
#include <g2d/data/read_rows.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/dataset.hpp>
#include <g2d/dataset/detail/distinct_ids.hpp>
#include <g2d/dataset/detail/list_splits.hpp>
#include <g2d/dataset/detail/path_inside.hpp>
#include <g2d/dataset/detail/photograph.hpp>
#include <g2d/dataset/detail/require_folder.hpp>
#include <g2d/dataset/detail/table_encoder.hpp>
#include <g2d/dataset/missing_files.hpp>
#include <g2d/io/csv.hpp>
#include <g2d/io/table.hpp>
#include <g2d/transform/chain.hpp>

namespace g2d::dataset {

/// Settings of read_mis_me. Names and image statistics are those of the dataset's authors.
struct MisMeOptions {
  std::string table = "labels.csv";  ///< All samples; where it is not there, the three lists are read.
  data::Splits<std::string> lists{"combined_only_train_set.csv", "combined_only_val_set.csv",
                                  "combined_only_test_set.csv"};
  std::string images = "images";  ///< The folder that the image column starts from.
  std::string image_column = "image";
  std::string target_column = "vwc";
  std::string target_unit = "m3/m3";
  std::string split_column = "split";  ///< Of `table`; where there is none, rows are divided at random.
  std::vector<std::string> number_columns{"air_temperature",    "relative_humidity", "precipitation",
                                          "solar_flux_density", "wind_speed",        "barometric_pressure",
                                          "tilt_north_south",   "tilt_west_east"};
  std::vector<std::string> category_columns{};  ///< Such as a kind of soil, or the station.
  std::int64_t image_size = 224;                ///< Pixels, height and width.
  std::array<double, 3> image_mean{0.507, 0.468, 0.307};
  std::array<double, 3> image_deviation{0.194, 0.201, 0.170};
  bool augments = false;             ///< Random crops and flips in the training split; the authors have none.
  double validation_fraction = 0.2;  ///< Of all rows; of the training rows where only the test rows are named.
  double test_fraction = 0.2;        ///< Of all rows, where no split is named.
  std::uint64_t seed = 0;            ///< Of those splits and the augmentation.
  MissingFiles missing_files = MissingFiles::Refuse;
};

namespace detail {

inline constexpr std::string_view mis_me_where = "dataset::read_mis_me";
inline constexpr std::string_view mis_me_layout =
    "images/*.jpg and labels.csv, or combined_only_train_set.csv, combined_only_val_set.csv (may be missing) and "
    "combined_only_test_set.csv (the release's .xlsx files saved as CSV), with the columns image, vwc and the weather";

/// A list of samples.
struct SoilList {
  io::Table table;
  std::vector<std::string> names;
  std::vector<std::filesystem::path> images;
  at::Tensor targets;              ///< float32 [N, 1].
  std::vector<std::int64_t> rows;  ///< Those whose image is there.
};

[[nodiscard]] inline SoilList read_soil_list(const std::filesystem::path& path, const std::filesystem::path& images,
                                             const MisMeOptions& options, DistinctIds& ids,
                                             std::vector<std::string>& warnings) {
  SoilList list{.table = io::read_csv(path), .names = {}, .images = {}, .targets = {}, .rows = {}};
  const auto& table = list.table;
  const auto image_column = table.column(options.image_column);
  list.targets = table.numbers(options.target_column).to(at::kFloat).unsqueeze(1);
  std::vector<std::vector<std::filesystem::path>> files;
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    const auto& name = table.cell(row, image_column);
    ids.add(name, table.location(row));
    list.names.push_back(name);
    list.images.push_back(path_inside(images, name, table.location(row)));
    files.push_back({list.images.back()});
    if (!std::isfinite(list.targets[static_cast<std::int64_t>(row)].item<double>())) {
      throw DataError(fmt::format("g2d: {}: {}: column \"{}\": expected a number, got nothing", mis_me_where,
                                  table.location(row), options.target_column));
    }
  }
  if (table.num_rows() == 0)
    throw DataError(fmt::format("g2d: {}: {}: expected at least one row, got none", mis_me_where, path.string()));
  for (const auto row :
       FileCheck(std::string(mis_me_where), options.missing_files).complete(list.names, files, warnings)) {
    list.rows.push_back(static_cast<std::int64_t>(row));
  }
  return list;
}

/// Some rows of a list.
struct SoilSplit {
  const SoilList& list;
  at::Tensor rows;
};

[[nodiscard]] inline data::Samples soil_samples(const SoilSplit& split, const TableEncoder& encoder,
                                                const MisMeOptions& options, bool augments) {
  const PhotographOptions photograph{options.image_size, options.image_mean, options.image_deviation};
  const auto& list = split.list;
  return data::Samples(
             {data::read_files("image", list.images, decode_photograph, prepare_photograph(photograph, augments)),
              data::read_rows("weather", encoder(list.table), transform::Chain())},
             {.names = list.names, .targets = list.targets}, options.seed)
      .subset(split.rows);
}

}  // namespace detail

/// Reads MIS-ME, soil moisture from a photograph of the ground (modality "image") and the weather at the station
/// ("weather").
///
/// Layout     images/<image> and the release's three lists saved as CSV, or one table labels.csv, whose column "split"
///            may say train, validation (val, dev) or test. Columns: image; vwc, the volumetric water content; numbers,
///            an empty cell where a sensor was silent; categories by option.
/// Splits     the lists' (2,701, 900, 900 samples), or the column's. Without lists and column: at random. Several
///            images are patches of one photograph, OK002_20201020_120000_{0,1,...}.jpg, with one target: a random
///            split has them on both sides.
/// Image      224 x 224, bilinear with antialiasing; normalised by the dataset's own mean and deviation.
/// Table      median of the training rows for missing numbers (ours; the authors take the mean), then standardised by
///            the training rows; categories one-hot, those that no training row has 0 everywhere.
/// Target     vwc as it is, [N, 1].
/// Errors     DataError naming what is missing and the layout; file and line of an image listed twice or outside the
///            folder, of a missing target; samples without their image, unless those are dropped. ConfigError for
///            settings out of range.
/// Source     Rakib et al. 2024, arXiv:2408.00963; config.py, data_processor.py and utils.py of the authors' code.
[[nodiscard]] inline Dataset read_mis_me(const std::filesystem::path& folder, const MisMeOptions& options = {}) {
  constexpr auto where = detail::mis_me_where;
  detail::require_folder(where, folder, detail::mis_me_layout);
  const auto exists = [](const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
  };
  const bool has_table = exists(folder / options.table);
  if (!has_table) {
    detail::require_file(where, folder / options.lists.train, detail::mis_me_layout);
    detail::require_file(where, folder / options.lists.test, detail::mis_me_layout);
  }
  detail::require_folder(where, folder / options.images, detail::mis_me_layout);

  std::vector<std::string> warnings;
  detail::DistinctIds ids;
  const auto read = [&](const std::string& name) {
    return detail::read_soil_list(folder / name, folder / options.images, options, ids, warnings);
  };
  const auto tensor = [](const std::vector<std::int64_t>& rows) { return at::tensor(rows, at::kLong); };
  const detail::SplitFractions fractions{options.validation_fraction, options.test_fraction, options.seed};
  std::vector<detail::SoilList> lists;
  data::Splits<std::size_t> list_of{0, 0, 0};
  data::Splits<at::Tensor> rows;
  if (has_table) {
    lists.push_back(read(options.table));
    const auto& [table, names, images, targets, complete] = lists[0];
    rows =
        table.has_column(options.split_column)
            ? detail::divide_as_named(table, options.split_column, complete, {.targets = targets}, fractions, warnings)
            : detail::divide(tensor(complete), {.targets = targets}, fractions, where, warnings);
  } else {
    lists.push_back(read(options.lists.train));
    lists.push_back(read(options.lists.test));
    list_of.test = 1;
    rows = {tensor(lists[0].rows), {}, tensor(lists[1].rows)};
    if (exists(folder / options.lists.validation)) {
      lists.push_back(read(options.lists.validation));
      list_of.validation = 2;
      rows.validation = tensor(lists[2].rows);
    } else {
      auto [kept, held_out] = detail::hold_out(rows.train, {.targets = lists[0].targets}, fractions.validation,
                                               make_generator(options.seed), where);
      rows.train = std::move(kept);
      rows.validation = std::move(held_out);
    }
  }

  const detail::TableEncoder encoder(lists[0].table, rows.train, {options.number_columns, options.category_columns});
  const auto samples = [&](std::size_t list, const at::Tensor& some, bool augments) {
    return detail::soil_samples({lists[list], some}, encoder, options, augments);
  };
  data::Splits<data::Samples> splits{samples(list_of.train, rows.train, options.augments),
                                     samples(list_of.validation, rows.validation, false),
                                     samples(list_of.test, rows.test, false)};
  auto description =
      fmt::format("MIS-ME; splits: {}, validation {}, test {}, seed {}; image: {}, in training {}; weather: {}",
                  has_table ? options.table : "lists", options.validation_fraction, options.test_fraction, options.seed,
                  splits.test.transform_description(0), splits.train.transform_description(0), encoder.description());
  return {"MIS-ME",
          std::move(splits),
          {OutputKind::Values, 1, {options.target_column}, options.target_unit},
          std::move(description),
          std::move(warnings)};
}

}  // namespace g2d::dataset
