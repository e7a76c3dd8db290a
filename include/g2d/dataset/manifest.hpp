// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/lower_case.hpp>
#include <g2d/core/nearest_name.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/data/read_rows.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/dataset.hpp>
#include <g2d/dataset/detail/distinct_ids.hpp>
#include <g2d/dataset/detail/feature_statistics.hpp>
#include <g2d/dataset/detail/list_splits.hpp>
#include <g2d/dataset/detail/manifest_readers.hpp>
#include <g2d/dataset/detail/path_inside.hpp>
#include <g2d/dataset/detail/require_folder.hpp>
#include <g2d/dataset/detail/table_encoder.hpp>
#include <g2d/dataset/manifest_modality.hpp>
#include <g2d/dataset/missing_files.hpp>
#include <g2d/dataset/unreadable_samples.hpp>
#include <g2d/io/cell.hpp>
#include <g2d/io/csv.hpp>
#include <g2d/io/detail/ending.hpp>
#include <g2d/io/json_table.hpp>
#include <g2d/io/table.hpp>
#include <g2d/transform/chain.hpp>
#include <g2d/transform/to_float.hpp>

namespace g2d::dataset {

/// Settings of read_manifest.
struct ManifestOptions {
  std::vector<ManifestModality> modalities{};  ///< Empty: what the columns' prefixes say.
  ImageFiles image{};                          ///< Settings of modalities found by prefix; their `column` is not used.
  AudioFiles audio{};
  SequenceFiles sequence{};
  TensorFiles tensor{};
  std::string id_column = "id";
  std::string split_column = "split";  ///< May be missing: rows are divided at random.
  std::string group_column = "group";  ///< Speaker, patient: rows of one group stay in one split. May be missing.
  std::string label_column = "label";
  std::vector<std::string> class_names{};     ///< In the order of their numbers; empty: the labels found, sorted.
  std::vector<std::string> target_columns{};  ///< Numbers to predict instead of a label; empty: columns "target:...".
  std::string target_unit{};
  bool augments = false;              ///< Random image crops and flips, random places in recordings; training split.
  double validation_fraction = 0.15;  ///< Of all rows; of the training rows where only the test rows are named.
  double test_fraction = 0.15;        ///< Of all rows, where no split is named.
  std::uint64_t seed = 0;             ///< Of those splits and the augmentation.
  MissingFiles missing_files = MissingFiles::Refuse;
  UnreadableSamples unreadable_samples = UnreadableSamples::Refuse;  ///< Dropped before the rows are divided.
};

namespace detail {

inline constexpr std::string_view manifest_where = "dataset::read_manifest";
inline constexpr std::string_view manifest_layout =
    "manifest.csv or manifest.json (an array of objects) with the columns id, label or target:<name>, and "
    "image:<name>, audio:<name>, "
    "sequence:<name>, npy:<name>, table:<name>, category:<name>; split by choice";

/// The file itself, or the one in a folder.
[[nodiscard]] inline std::filesystem::path find_manifest(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) return path;
  if (!std::filesystem::exists(path, error)) {
    throw DataError(fmt::format("g2d: {}: {}: expected a manifest or a folder that holds one, {}, got neither",
                                manifest_where, path.string(), manifest_layout));
  }
  for (const auto* name : {"manifest.json", "manifest.csv"}) {
    if (auto file = find_file(path, name); !file.empty()) return file;
  }
  require_file(manifest_where, path / "manifest.csv", manifest_layout);
  return path / "manifest.csv";
}

/// What the columns' names say.
struct ManifestColumns {
  std::vector<ManifestModality> modalities;
  std::vector<std::string> targets;
};

[[nodiscard]] inline TableColumns& table_modality(std::vector<ManifestModality>& modalities) {
  for (auto& modality : modalities) {
    if (auto* columns = std::get_if<TableColumns>(&modality.content)) return *columns;
  }
  modalities.push_back({"table", TableColumns{}});
  return std::get<TableColumns>(modalities.back().content);
}

/// Errors: DataError naming a prefix that is none, and the nearest one.
[[nodiscard]] inline ManifestColumns infer_columns(const io::Table& table, const ManifestOptions& options,
                                                   std::vector<std::string>& warnings) {
  const std::vector<std::string> prefixes{"image", "audio", "sequence", "npy", "table", "category", "target"};
  ManifestColumns found;
  std::vector<std::string> unused;
  for (const auto& column : table.column_names()) {
    if (column == options.id_column || column == options.split_column || column == options.group_column ||
        column == options.label_column) {
      continue;
    }
    const auto colon = column.find(':');
    if (colon == std::string::npos) {
      unused.push_back(column);
      continue;
    }
    const auto prefix = column.substr(0, colon);
    const auto name = column.substr(colon + 1);
    const auto add = [&](auto files) {
      files.column = column;
      found.modalities.push_back({name, std::move(files)});
    };
    if (prefix == "image")
      add(options.image);
    else if (prefix == "audio")
      add(options.audio);
    else if (prefix == "sequence")
      add(options.sequence);
    else if (prefix == "npy")
      add(options.tensor);
    else if (prefix == "table")
      table_modality(found.modalities).numbers.push_back(column);
    else if (prefix == "category")
      table_modality(found.modalities).categories.push_back(column);
    else if (prefix == "target")
      found.targets.push_back(column);
    else {
      throw DataError(
          fmt::format("g2d: {}: {}: column \"{}\": expected one of the prefixes {}, got \"{}\"; the nearest is \"{}\"",
                      manifest_where, table.path().string(), column, fmt::join(prefixes, ", "), prefix,
                      nearest_name(prefix, prefixes)));
    }
  }
  if (!unused.empty()) {
    warnings.push_back(fmt::format("{}: columns without a prefix are not used: {}{}", table.path().string(),
                                   fmt::join(unused, ", "),
                                   table.has_column(options.group_column)
                                       ? ""
                                       : "; --group-column keeps the rows of a speaker or patient in one split"));
  }
  return found;
}

/// The label of a row, without blanks at its ends.
///
/// Errors     DataError naming the line of an empty cell, and of a text that means that there is no label, unless it is
///            among the classes.
[[nodiscard]] inline std::string label_of(const io::Table& table, std::size_t row, std::size_t column,
                                          const std::vector<std::string>& class_names) {
  std::string label(io::trimmed(table.cell(row, column)));
  if (io::is_missing(label) && std::find(class_names.begin(), class_names.end(), label) == class_names.end()) {
    throw DataError(fmt::format(
        "g2d: {}: {}: column \"{}\": expected a label, got {}", manifest_where, table.location(row),
        table.column_names()[column],
        label.empty() ? "nothing"
                      : fmt::format("\"{}\"; leave the row out, or name the class among the class names", label)));
  }
  return label;
}

/// By number if all are numbers.
[[nodiscard]] inline std::vector<std::string> sorted_classes(const std::vector<std::string>& labels) {
  const std::set<std::string> found(labels.begin(), labels.end());
  std::vector<std::string> names(found.begin(), found.end());
  if (std::all_of(names.begin(), names.end(), [](const auto& name) { return io::parse_number(name).has_value(); })) {
    std::stable_sort(names.begin(), names.end(),
                     [](const auto& a, const auto& b) { return *io::parse_number(a) < *io::parse_number(b); });
  }
  return names;
}

/// Warns of classes that look like one: equal but for case, or equal as numbers ("1" and "1.0").
inline void warn_of_spellings(const std::vector<std::string>& names, std::vector<std::string>& warnings) {
  std::map<std::string, std::vector<std::string>> spellings;
  for (const auto& name : names) {
    const auto number = io::parse_number(name);
    spellings[number ? fmt::to_string(*number) : lower_case(name)].push_back(name);
  }
  for (const auto& [same, spelt] : spellings) {
    if (spelt.size() > 1)
      warnings.push_back(fmt::format("classes that differ in spelling alone: \"{}\"", fmt::join(spelt, "\", \"")));
  }
}

struct ManifestTarget {
  Target target;
  at::Tensor values;  ///< int64 [N], or float64 [N, C].
};

/// Errors: DataError naming file, line and value.
[[nodiscard]] inline ManifestTarget read_manifest_labels(const io::Table& table, const ManifestOptions& options,
                                                         std::vector<std::string>& warnings) {
  const auto column = table.column(options.label_column);
  std::vector<std::string> labels;
  for (std::size_t row = 0; row < table.num_rows(); ++row)
    labels.push_back(label_of(table, row, column, options.class_names));
  const auto names = options.class_names.empty() ? sorted_classes(labels) : options.class_names;
  warn_of_spellings(names, warnings);
  std::vector<std::int64_t> numbers;
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    const auto known = std::find(names.begin(), names.end(), labels[row]);
    if (known == names.end()) {
      throw DataError(fmt::format("g2d: {}: {}: expected one of the labels {}, got \"{}\"", manifest_where,
                                  table.location(row), fmt::join(names, ", "), labels[row]));
    }
    numbers.push_back(known - names.begin());
  }
  return {{OutputKind::Classes, static_cast<std::int64_t>(names.size()), names}, at::tensor(numbers, at::kLong)};
}

/// Whether a column is there that a manifest may lack: only under its usual name. Errors: DataError for another name.
[[nodiscard]] inline bool has_optional_column(const io::Table& table, const std::string& name,
                                              std::string_view usual_name) {
  if (!table.has_column(name) && name != usual_name) (void)table.column(name);
  return table.has_column(name);
}

/// The groups of the rows, numbered: int64 [N], undefined without such a column. Errors: DataError for an empty cell.
[[nodiscard]] inline at::Tensor read_manifest_groups(const io::Table& table, const ManifestOptions& options) {
  if (!has_optional_column(table, options.group_column, ManifestOptions().group_column)) return {};
  const auto column = table.column(options.group_column);
  std::map<std::string, std::int64_t, std::less<>> numbers;
  std::vector<std::int64_t> groups;
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    const auto& cell = table.cell(row, column);
    if (io::is_missing(cell)) {
      throw DataError(fmt::format("g2d: {}: {}: column \"{}\": expected a group, got {}", manifest_where,
                                  table.location(row), options.group_column,
                                  cell.empty() ? "nothing" : fmt::format("\"{}\"", cell)));
    }
    const auto next = static_cast<std::int64_t>(numbers.size());
    groups.push_back(numbers.try_emplace(std::string(io::trimmed(cell)), next).first->second);
  }
  return at::tensor(groups, at::kLong);
}

[[nodiscard]] inline ManifestTarget read_manifest_values(const io::Table& table,
                                                         const std::vector<std::string>& columns,
                                                         const std::string& unit) {
  std::vector<at::Tensor> values;
  for (const auto& name : columns) {
    values.push_back(table.numbers(name));
    const auto missing = values.back().isnan().nonzero();
    if (missing.size(0) == 0) continue;
    throw DataError(fmt::format("g2d: {}: {}: column \"{}\": expected a number, got nothing", manifest_where,
                                table.location(static_cast<std::size_t>(missing[0].item<std::int64_t>())), name));
  }
  return {{OutputKind::Values, static_cast<std::int64_t>(columns.size()), columns, unit}, at::stack(values, 1)};
}

[[nodiscard]] inline ManifestTarget read_manifest_target(const io::Table& table, const ManifestColumns& columns,
                                                         const ManifestOptions& options,
                                                         std::vector<std::string>& warnings) {
  if (!options.target_columns.empty()) return read_manifest_values(table, options.target_columns, options.target_unit);
  if (columns.targets.empty()) return read_manifest_labels(table, options, warnings);
  if (table.has_column(options.label_column)) {
    throw DataError(fmt::format("g2d: {}: {}: expected a column \"{}\" or columns \"target:...\", got both",
                                manifest_where, table.path().string(), options.label_column));
  }
  return read_manifest_values(table, columns.targets, options.target_unit);
}

/// The rows of a manifest and their files.
struct ManifestRows {
  std::vector<std::string> ids;
  std::vector<Paths> paths;  ///< Of each modality; empty paths where a sample lacks it.
  at::Tensor present;        ///< bool [N, M].
};

/// Errors: DataError naming file and line.
[[nodiscard]] inline ManifestRows read_manifest_rows(const io::Table& table,
                                                     const std::vector<ManifestModality>& modalities,
                                                     const ManifestOptions& options) {
  const auto count = table.num_rows();
  const auto folder = table.path().parent_path();
  ManifestRows rows{.ids = {}, .paths = std::vector<Paths>(modalities.size()), .present = {}};
  DistinctIds distinct;
  const auto id_column = table.column(options.id_column);
  for (std::size_t row = 0; row < count; ++row) {
    rows.ids.push_back(table.cell(row, id_column));
    distinct.add(rows.ids.back(), table.location(row));
  }
  rows.present = at::ones({static_cast<std::int64_t>(count), static_cast<std::int64_t>(modalities.size())}, at::kBool);
  auto present = rows.present.accessor<bool, 2>();
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    std::visit(
        [&](const auto& content) {
          if constexpr (requires { content.column; }) {
            const auto column = table.column(content.column);
            for (std::size_t row = 0; row < count; ++row) {
              const auto& cell = table.cell(row, column);
              present[static_cast<std::int64_t>(row)][static_cast<std::int64_t>(m)] = !cell.empty();
              rows.paths[m].push_back(cell.empty() ? std::filesystem::path()
                                                   : path_inside(folder, cell, table.location(row)));
            }
          }
        },
        modalities[m].content);
  }
  const auto lacking = rows.present.any(1).logical_not().nonzero();
  if (lacking.size(0) > 0) {
    throw DataError(fmt::format("g2d: {}: {}: expected a path for at least one modality, got none", manifest_where,
                                table.location(static_cast<std::size_t>(lacking[0].item<std::int64_t>()))));
  }
  return rows;
}

/// The rows whose files are there. Errors: as FileCheck.
[[nodiscard]] inline std::vector<std::int64_t> complete_manifest_rows(const ManifestRows& rows,
                                                                      MissingFiles missing_files,
                                                                      std::vector<std::string>& warnings) {
  std::vector<Paths> files(rows.ids.size());
  for (const auto& paths : rows.paths) {
    for (std::size_t row = 0; row < paths.size(); ++row) {
      if (!paths[row].empty()) files[row].push_back(paths[row]);
    }
  }
  const auto kept = FileCheck(std::string(manifest_where), missing_files).complete(rows.ids, files, warnings);
  return {kept.begin(), kept.end()};
}

/// Those of the rows whose files can be read. Errors: as keep_readable.
[[nodiscard]] inline std::vector<std::int64_t> readable_manifest_rows(const ManifestRows& rows,
                                                                      const std::vector<ManifestModality>& modalities,
                                                                      const std::vector<std::int64_t>& complete,
                                                                      std::vector<std::string>& warnings) {
  std::vector<data::ModalityReader> readers;
  std::vector<at::Tensor> present;
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    std::visit(
        [&](const auto& content) {
          if constexpr (requires { content.column; }) {
            readers.push_back(read_manifest_files(modalities[m].name, rows.paths[m], content, /*augments=*/false));
            present.push_back(rows.present.select(1, static_cast<std::int64_t>(m)));
          }
        },
        modalities[m].content);
  }
  if (readers.empty()) return complete;
  const auto chosen = at::tensor(complete, at::kLong);
  const auto samples =
      data::Samples(std::move(readers), {.names = rows.ids, .targets = rows.present, .present = at::stack(present, 1)})
          .subset(chosen);
  constexpr std::int64_t num_workers = 2;
  const auto readable = chosen.index_select(0, keep_readable(samples, "samples", num_workers, warnings));
  return {readable.const_data_ptr<std::int64_t>(), readable.const_data_ptr<std::int64_t>() + readable.numel()};
}

/// Errors: DataError naming a modality that no training sample has, so that nothing could be learnt from it, or no
/// validation sample, so that its teacher could not be selected. Where no test sample has it, a warning.
inline void check_modalities_occur(const ManifestRows& rows, const data::Splits<at::Tensor>& splits,
                                   const std::vector<ManifestModality>& modalities,
                                   std::vector<std::string>& warnings) {
  const auto check = [&](const at::Tensor& split, const auto& report) {
    const auto occurs = rows.present.index_select(0, split).any(0);
    for (std::size_t m = 0; m < modalities.size(); ++m) {
      if (!occurs[static_cast<std::int64_t>(m)].item<bool>()) report(modalities[m].name);
    }
  };
  const auto refuse = [](std::string_view split) {
    return [split](const std::string& name) {
      throw DataError(fmt::format("g2d: {}: modality \"{}\": expected at least one {} sample that has it, got none",
                                  manifest_where, name, split));
    };
  };
  check(splits.train, refuse("training"));
  check(splits.validation, refuse("validation"));
  check(splits.test, [&](const std::string& name) {
    warnings.push_back(fmt::format("no test sample has the modality \"{}\": tested on the others", name));
  });
}

/// The reader with its values standardised by the training samples, which are read for it.
[[nodiscard]] inline data::ModalityReader standardize_by(const at::Tensor& train, data::ModalityReader reader,
                                                         const ManifestRows& rows, std::size_t m) {
  FeatureStatistics statistics;
  const data::Samples samples({reader}, {.names = rows.ids, .targets = rows.present});
  for (std::int64_t i = 0; i < train.size(0); ++i) {
    const auto row = train.const_data_ptr<std::int64_t>()[i];
    if (rows.paths[m][static_cast<std::size_t>(row)].empty()) continue;
    const auto values = samples.read(row, 0, 0);
    statistics.add(values.reshape({-1, values.size(-1)}), rows.ids[static_cast<std::size_t>(row)]);
  }
  reader.transform = transform::Chain{
      reader.transform, statistics.standardize(fmt::format("{}: modality \"{}\"", manifest_where, reader.name))};
  return reader;
}

/// Modality m; `augments`: as the training split reads it.
[[nodiscard]] inline data::ModalityReader manifest_reader(const io::Table& table, const ManifestModality& modality,
                                                          const ManifestRows& rows, std::size_t m,
                                                          const at::Tensor& train, bool augments) {
  return std::visit(
      [&](const auto& content) -> data::ModalityReader {
        if constexpr (std::is_same_v<std::decay_t<decltype(content)>, TableColumns>) {
          return data::read_rows(modality.name, TableEncoder(table, train, content)(table), transform::Chain());
        } else {
          auto reader = read_manifest_files(modality.name, rows.paths[m], content, augments);
          if constexpr (requires { content.standardizes; }) {
            if (content.standardizes) reader = standardize_by(train, std::move(reader), rows, m);
            reader.transform = transform::Chain{reader.transform, transform::ToFloat{.divisor = 1}};
          }
          return reader;
        }
      },
      modality.content);
}

}  // namespace detail

/// Reads any dataset that a table describes: a row for each sample, with its id, its split, what is to be predicted,
/// and a column or several for each modality. `path`: a .csv or .json (array of objects), or a folder with manifest.csv
/// or manifest.json.
///
/// Columns    id, unlike for all rows. split: train, validation (val, dev) or test; without validation rows some
///            training rows are held out; without the column rows are divided at random, by class where there are
///            classes. A class of too few rows to be in every split that is divided goes to training, with a warning.
///            group: a speaker or patient, whose rows stay in one split; may be missing. label: a name or a number;
///            blanks at its ends do not count, classes are sorted, numbers as such; a warning names classes that differ
///            in case alone. Instead of it target:<name>: numbers to predict, float64. image:<name>, audio:<name>,
///            sequence:<name>, npy:<name>: paths from the manifest's folder on, each column a modality; an empty cell:
///            the sample lacks it. table:<name>, category:<name>: numbers and texts of one modality "table". With
///            ManifestOptions::modalities columns have any names, and the options say what is in them.
/// Values     as ImageFiles, AudioFiles, SequenceFiles, TensorFiles and TableColumns say.
/// Errors     DataError naming file, line and value: an id twice, an unknown split, label or prefix, a label that says
///            that there is none ("nan", "NA"), a group in two splits, a path out of the folder, a sample without
///            modalities, missing files, unless samples without them are dropped, a modality that no training or
///            validation sample has. ConfigError for settings out of range, and names of modalities that cannot be
///            written (ModalityNames).
[[nodiscard]] inline Dataset read_manifest(const std::filesystem::path& path, const ManifestOptions& options = {}) {
  constexpr auto where = detail::manifest_where;
  const auto file = detail::find_manifest(path);
  const auto table = io::detail::lower_case_ending(file) == ".json" ? io::read_json_table(file) : io::read_csv(file);
  if (table.num_rows() == 0)
    throw DataError(fmt::format("g2d: {}: {}: expected at least one sample, got none", where, file.string()));

  std::vector<std::string> warnings;
  auto columns = options.modalities.empty() ? detail::infer_columns(table, options, warnings)
                                            : detail::ManifestColumns{options.modalities, {}};
  const auto& modalities = columns.modalities;
  if (modalities.empty()) {
    throw DataError(
        fmt::format("g2d: {}: {}: expected columns such as image:<name>, got [{}]; name them so or give "
                    "ManifestOptions::modalities",
                    where, file.string(), fmt::join(table.column_names(), ", ")));
  }
  auto [target, targets] = detail::read_manifest_target(table, columns, options, warnings);
  const auto rows = detail::read_manifest_rows(table, modalities, options);
  auto complete = detail::complete_manifest_rows(rows, options.missing_files, warnings);
  if (options.unreadable_samples == UnreadableSamples::Drop) {
    complete = detail::readable_manifest_rows(rows, modalities, complete, warnings);
  }
  const detail::SplitFractions fractions{options.validation_fraction, options.test_fraction, options.seed};
  const bool has_splits = detail::has_optional_column(table, options.split_column, ManifestOptions().split_column);
  const detail::SplitKeys keys{targets, target.names, detail::read_manifest_groups(table, options)};
  const auto split_rows =
      has_splits ? detail::divide_as_named(table, options.split_column, complete, keys, fractions, warnings)
                 : detail::divide(at::tensor(complete, at::kLong), keys, fractions, where, warnings);
  detail::check_disjoint_groups(table, split_rows, keys.groups, options.group_column);
  detail::check_modalities_occur(rows, split_rows, modalities, warnings);
  if (keys.has_classes()) {
    detail::warn_of_untrained_classes(targets.index_select(0, split_rows.train), target.names, warnings);
  }

  const auto samples = [&](bool augments) {
    std::vector<data::ModalityReader> readers;
    for (std::size_t m = 0; m < modalities.size(); ++m) {
      readers.push_back(detail::manifest_reader(table, modalities[m], rows, m, split_rows.train, augments));
    }
    return data::Samples(std::move(readers),
                         {.names = rows.ids,
                          .targets = targets,
                          .present = rows.present.all().item<bool>() ? at::Tensor() : rows.present},
                         options.seed);
  };
  const auto plain = samples(false);
  const auto training = options.augments ? samples(true) : plain;
  data::Splits<data::Samples> splits{training.subset(split_rows.train), plain.subset(split_rows.validation),
                                     plain.subset(split_rows.test)};
  auto description =
      fmt::format("{}; splits: {}, validation {}, test {}, seed {}{}", file.filename().string(),
                  has_splits ? options.split_column : "at random", options.validation_fraction, options.test_fraction,
                  options.seed, keys.groups.defined() ? fmt::format(", groups: {}", options.group_column) : "");
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    const auto* as_table = std::get_if<TableColumns>(&modalities[m].content);
    description +=
        fmt::format("; {}: {}", modalities[m].name,
                    as_table == nullptr ? training.transform_description(m)
                                        : detail::TableEncoder(table, split_rows.train, *as_table).description());
  }
  return {file.stem().string(), std::move(splits), std::move(target), std::move(description), std::move(warnings)};
}

}  // namespace g2d::dataset
