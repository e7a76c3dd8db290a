// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_unique.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isin.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/data/held_out.hpp>
#include <g2d/data/read_rows.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/dataset/dataset.hpp>
#include <g2d/dataset/detail/distinct_ids.hpp>
#include <g2d/dataset/detail/feature_split.hpp>
#include <g2d/dataset/detail/feature_statistics.hpp>
#include <g2d/dataset/detail/list_splits.hpp>
#include <g2d/dataset/detail/require_folder.hpp>
#include <g2d/transform/any.hpp>
#include <g2d/transform/chain.hpp>
#include <g2d/transform/to_float.hpp>
#include <g2d/transform/truncate.hpp>

namespace g2d::dataset {

/// Settings of read_feature_files.
struct FeatureFilesOptions {
  std::vector<std::string> modalities{"text", "audio", "vision"};  ///< Which arrays are read.
  std::vector<std::string> class_names{};                          ///< Of the classes or labels; empty: "0", "1", ...
  bool standardizes = true;                  ///< Each feature, by the valid steps of the training split.
  std::optional<std::int64_t> max_length{};  ///< Longer sequences keep their last steps.
  double validation_fraction = 0.1;          ///< Of the training samples, where there is no file for validation.
  std::uint64_t seed = 0;                    ///< Of that split.
};

namespace detail {

inline constexpr std::string_view features_where = "dataset::read_feature_files";
inline constexpr std::string_view features_layout =
    "train.npz, validation.npz (may be missing) and test.npz, or .safetensors, each with text, audio and vision [N, T, "
    "D], "
    "<modality>_lengths [N], labels and ids (tools/convert_features.py writes them)";

/// Empty where there is no such file.
[[nodiscard]] inline std::filesystem::path find_features(const std::filesystem::path& folder, const std::string& stem) {
  for (const auto* ending : {".npz", ".safetensors"}) {
    if (auto path = find_file(folder, stem + ending); !path.empty()) return path;
  }
  return {};
}

/// Errors     DataError for an id that occurs twice, in one file or in two.
inline void check_feature_ids(const std::vector<FeatureSplit>& splits) {
  DistinctIds ids;
  for (const auto& split : splits) {
    for (std::size_t row = 0; row < split.names.size(); ++row)
      ids.add(split.names[row], fmt::format("{}: ids: row {}", split.path.string(), row));
  }
}

/// Errors     DataError when files do not go together.
inline void check_same_features(const std::vector<FeatureSplit>& splits, const std::vector<std::string>& modalities) {
  const auto& first = splits.front();
  for (const auto& split : splits) {
    for (std::size_t m = 0; m < modalities.size(); ++m) {
      if (split.values[m].size(2) == first.values[m].size(2)) continue;
      throw DataError(fmt::format("g2d: {}: {}: array \"{}\": expected {} features as in {}, got {}", features_where,
                                  split.path.string(), modalities[m], first.values[m].size(2), first.path.string(),
                                  split.values[m].size(2)));
    }
    if (split.labels.sizes().slice(1) != first.labels.sizes().slice(1)) {
      throw DataError(fmt::format("g2d: {}: {}: expected labels [N{}] as in {}, got {}", features_where,
                                  split.path.string(),
                                  first.labels.dim() == 1 ? "" : fmt::format(", {}", first.labels.size(1)),
                                  first.path.string(), to_string(split.labels.sizes())));
    }
  }
}

/// Whole numbers that count classes rather than measure something: 0, 1, ..., or 1, 2, ..., or two numbers.
[[nodiscard]] inline bool count_classes(const at::Tensor& numbers) {
  const auto count = numbers.size(0);
  if (count < 2 || !numbers.eq(numbers.round()).all().item<bool>()) return false;
  const auto first = numbers[0].item<double>();
  const auto is_consecutive = numbers[count - 1].item<double>() - first == static_cast<double>(count - 1);
  return count == 2 || (is_consecutive && (first == 0 || first == 1));
}

/// The numbers of all classes, ascending, int64 [C]. `found`: those of the labels, none below 0.
[[nodiscard]] inline at::Tensor class_numbers(const at::Tensor& found, std::size_t num_names) {
  if (found.numel() == 0) return at::arange(std::max<std::int64_t>(static_cast<std::int64_t>(num_names), 1));
  const auto first = found[0].item<std::int64_t>(), last = found[found.size(0) - 1].item<std::int64_t>();
  const auto num_named = static_cast<std::int64_t>(num_names);
  if (num_named > 0) return first == 1 && last == num_named ? at::arange(1, last + 1) : at::arange(num_named);
  return first == 0 ? at::arange(last + 1) : found;
}

/// Numbers the labels [N] of all splits by class, from 0 on.
///
/// Errors     DataError naming the row of a label below 0, unless all are -1 and 1, or of one that has no name.
[[nodiscard]] inline Target classes_of_features(std::vector<FeatureSplit>& splits, const at::Tensor& found,
                                                const std::vector<std::string>& class_names) {
  const bool are_signs = found.equal(at::tensor({-1, 1}, at::kLong));
  const auto numbers = are_signs ? found : class_numbers(found.masked_select(found.ge(0)), class_names.size());
  for (auto& split : splits) {
    const auto labels = split.labels.to(at::kLong);
    const auto wrong = at::isin(labels, numbers).logical_not().nonzero();
    if (wrong.size(0) > 0) {
      const auto row = wrong[0].item<std::int64_t>();
      throw DataError(fmt::format("g2d: {}: {}: row {}: expected a label from {} to {}, got {}", features_where,
                                  split.path.string(), row, numbers[0].item<std::int64_t>(),
                                  numbers[-1].item<std::int64_t>(), labels[row].item<std::int64_t>()));
    }
    split.labels = at::searchsorted(numbers, labels);
  }
  Target target{.kind = OutputKind::Classes, .num_outputs = numbers.size(0), .names = class_names};
  if (class_names.empty()) {
    for (std::int64_t c = 0; c < numbers.size(0); ++c)
      target.names.push_back(fmt::to_string(numbers[c].item<std::int64_t>()));
  }
  return target;
}

/// Columns of 0 and 1 are labels; other numbers are values.
[[nodiscard]] inline Target columns_of_features(std::vector<FeatureSplit>& splits,
                                                const std::vector<std::string>& class_names) {
  const auto num_outputs = splits.front().labels.size(1);
  if (!class_names.empty() && static_cast<std::int64_t>(class_names.size()) != num_outputs) {
    throw DataError(fmt::format("g2d: {}: {}: expected labels [N, {}] as there are class_names, got {}", features_where,
                                splits.front().path.string(), class_names.size(),
                                to_string(splits.front().labels.sizes())));
  }
  const bool are_labels = std::all_of(splits.begin(), splits.end(), [](const FeatureSplit& split) {
    return split.labels.eq(0).logical_or(split.labels.eq(1)).all().item<bool>();
  });
  Target target{
      .kind = are_labels ? OutputKind::Labels : OutputKind::Values, .num_outputs = num_outputs, .names = class_names};
  for (auto& split : splits) {
    if (are_labels) split.labels = split.labels.to(at::kFloat);
  }
  for (auto number = static_cast<std::int64_t>(target.names.size()); number < num_outputs; ++number) {
    target.names.push_back(fmt::to_string(number));
  }
  return target;
}

/// What the labels of all splits are, which are brought into its form: classes int64 [N] from 0 on, labels float32 or
/// values float64 [N, C].
[[nodiscard]] inline Target target_of_features(std::vector<FeatureSplit>& splits,
                                               const std::vector<std::string>& class_names,
                                               std::vector<std::string>& warnings) {
  std::vector<at::Tensor> all;
  bool are_integers = true;
  for (const auto& split : splits) {
    all.push_back(split.labels.to(at::kDouble).flatten());
    are_integers = are_integers && split.labels.scalar_type() == at::kLong;
  }
  const auto found = std::get<0>(at::_unique(at::cat(all), /*sorted=*/true));
  if (splits.front().labels.dim() == 2) {
    auto target = columns_of_features(splits, class_names);
    if (target.kind == OutputKind::Values && target.num_outputs == 1 && count_classes(found)) {
      warnings.push_back(fmt::format(
          "labels [N, 1] are whole numbers: taken for values; store them as integers [N] if they are {} classes",
          found.size(0)));
    }
    return target;
  }
  if (!are_integers && !count_classes(found)) {
    for (auto& split : splits) split.labels = split.labels.to(at::kDouble).unsqueeze(1);
    return columns_of_features(splits, class_names);
  }
  if (!are_integers) {
    warnings.push_back(fmt::format(
        "labels are whole numbers stored as floating point: taken for {} classes; store them as integers, or as [N, 1] "
        "if they are values",
        found.size(0)));
  }
  return classes_of_features(splits, found.to(at::kLong), class_names);
}

/// Which samples have which modality: bool [N, M].
[[nodiscard]] inline at::Tensor present_features(const FeatureSplit& split) {
  return at::stack(split.lengths, 1).gt(0);
}

/// The rows with at least one modality.
[[nodiscard]] inline at::Tensor usable_features(const FeatureSplit& split, std::vector<std::string>& warnings) {
  auto rows = present_features(split).any(1).nonzero().squeeze(1);
  const auto num_empty = split.labels.size(0) - rows.size(0);
  if (rows.size(0) == 0) {
    throw DataError(fmt::format("g2d: {}: {}: expected sequences of at least one step, got none", features_where,
                                split.path.string()));
  }
  if (num_empty > 0) {
    warnings.push_back(fmt::format("{}: {} of {} samples have no step in any modality: left out", split.path.string(),
                                   num_empty, split.labels.size(0)));
  }
  return rows;
}

/// Errors     DataError naming a modality that no training or validation sample has: nothing could be learnt from it,
///            or its teacher not be selected. Where no test sample has it, a warning.
inline void check_modalities_occur(const std::vector<FeatureSplit>& splits, const std::vector<std::string>& modalities,
                                   std::vector<std::string>& warnings) {
  for (std::size_t i = 0; i < splits.size(); ++i) {
    const bool is_test = i == 1;
    const auto occurs = present_features(splits[i]).any(0);
    for (std::size_t m = 0; m < modalities.size(); ++m) {
      if (occurs[static_cast<std::int64_t>(m)].item<bool>()) continue;
      if (!is_test) {
        throw DataError(fmt::format("g2d: {}: {}: modality \"{}\": expected at least one sample that has it, got none",
                                    features_where, splits[i].path.string(), modalities[m]));
      }
      warnings.push_back(fmt::format("no test sample has the modality \"{}\": tested on the others", modalities[m]));
    }
  }
}

/// What is done to modality m, with the statistics of the training rows.
[[nodiscard]] inline transform::Any prepare_features(const FeatureSplit& train, const at::Tensor& rows, std::size_t m,
                                                     const FeatureFilesOptions& options) {
  std::vector<transform::Any> parts;
  if (options.max_length) parts.emplace_back(transform::Truncate{.length = *options.max_length, .keeps_first = false});
  if (options.standardizes) {
    FeatureStatistics statistics;
    const auto* lengths = train.lengths[m].const_data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
      const auto row = rows.const_data_ptr<std::int64_t>()[i];
      if (lengths[row] > 0)
        statistics.add(train.values[m].select(0, row).narrow(0, 0, lengths[row]),
                       train.names[static_cast<std::size_t>(row)]);
    }
    parts.emplace_back(
        statistics.standardize(fmt::format("{}: array \"{}\"", train.path.string(), options.modalities[m])));
  }
  parts.emplace_back(transform::ToFloat{.divisor = 1});  // float64 is standardised before it is rounded.
  return transform::Chain(std::move(parts));
}

[[nodiscard]] inline data::Samples samples_of_features(const FeatureSplit& split,
                                                       const std::vector<std::string>& modalities,
                                                       const std::vector<transform::Any>& transforms) {
  std::vector<data::ModalityReader> readers;
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    readers.push_back(data::read_rows(modalities[m], split.values[m], transforms[m], split.lengths[m]));
  }
  auto present = present_features(split);
  if (present.all().item<bool>()) present = at::Tensor();
  return {std::move(readers), {.names = split.names, .targets = split.labels, .present = std::move(present)}};
}

}  // namespace detail

/// Reads precomputed features: sequences of several modalities, as tools/convert_features.py makes them from the
/// pickles in which UR-Funny, IEMOCAP and their like are distributed. The arrays are held in memory (.safetensors:
/// mapped).
///
/// Layout     train, validation and test, each .npz or .safetensors, with the arrays
///              <modality>          floating [N, T, D], zeros behind the sequence
///              <modality>_lengths  int64 [N], 0 where the sample lacks the modality; missing: T without the steps of
///                                  zeros at the end
///              labels              [N] classes: integers from 0 or any number on, or -1 and 1; floating, if they are
///                                  0, 1, ..., or 1, 2, ..., or two whole numbers (with a warning), else values; [N, C]
///                                  of 0 and 1: labels; other [N, C]: values
///              ids                 uint8 [N, W], UTF-8 padded with zeros; missing: "train:0", "train:1", ...
/// Splits     the files'; without a file for validation it is held out of the training samples, by class or at random.
/// Values     NaN and infinity become 0, with a warning that counts them; then each feature is standardised by the
///            valid steps of the training split; nothing is clipped. Samples without any modality are left out, with a
///            warning. A test file may lack a modality.
/// Errors     DataError naming file, array and row for what does not fit this, labels out of range, ids that occur
///            twice; ConfigError for settings out of range.
[[nodiscard]] inline Dataset read_feature_files(const std::filesystem::path& folder,
                                                const FeatureFilesOptions& options = {}) {
  detail::require_folder(detail::features_where, folder, detail::features_layout);
  const ModalityNames names(options.modalities);
  if (options.max_length && *options.max_length < 1) {
    throw ConfigError(
        fmt::format("g2d: {}: expected max_length >= 1, got {}", detail::features_where, *options.max_length));
  }
  std::vector<std::string> warnings;
  std::vector<detail::FeatureSplit> files;
  for (const std::string stem : {"train", "test", "validation"}) {
    const auto path = detail::find_features(folder, stem);
    if (!path.empty()) {
      const auto* train = stem == "test" ? &files.front() : nullptr;
      files.push_back(detail::FeatureSplitReader(path, options.modalities, train, warnings).read(options.modalities));
    } else if (stem != "validation") {
      detail::require_file(detail::features_where, folder / (stem + ".npz"), detail::features_layout);
    }
  }
  detail::check_same_features(files, options.modalities);
  detail::check_feature_ids(files);
  auto target = detail::target_of_features(files, options.class_names, warnings);
  detail::check_modalities_occur(files, options.modalities, warnings);

  const auto& train = files[0];
  auto train_rows = detail::usable_features(train, warnings);
  data::HeldOut held_out;
  const bool has_validation = files.size() == 3;
  if (!has_validation) {
    held_out = detail::hold_out_validation(train_rows, {.targets = train.labels, .class_names = target.names},
                                           options.validation_fraction, make_generator(options.seed),
                                           train.path.string(), warnings);
    train_rows = held_out.kept;
  }
  if (target.kind == OutputKind::Classes) {
    detail::warn_of_untrained_classes(train.labels.index_select(0, train_rows), target.names, warnings);
  }
  std::vector<transform::Any> transforms;
  auto description = has_validation ? std::string("validation: its own file")
                                    : fmt::format("validation: {} of the training samples, seed {}",
                                                  options.validation_fraction, options.seed);
  for (std::size_t m = 0; m < names.size(); ++m) {
    transforms.push_back(detail::prepare_features(train, train_rows, m, options));
    description += fmt::format("; {}: {} features, {}", names[m], train.values[m].size(2), transforms[m].description());
  }
  const auto samples = [&](const detail::FeatureSplit& split, const at::Tensor& rows) {
    return detail::samples_of_features(split, options.modalities, transforms).subset(rows);
  };
  return {"feature files",
          {samples(train, train_rows),
           has_validation ? samples(files[2], detail::usable_features(files[2], warnings))
                          : samples(train, held_out.held_out),
           samples(files[1], detail::usable_features(files[1], warnings))},
          std::move(target),
          std::move(description),
          std::move(warnings)};
}

}  // namespace g2d::dataset
