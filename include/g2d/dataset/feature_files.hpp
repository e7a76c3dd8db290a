// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
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
  std::error_code error;
  for (const auto* ending : {".npz", ".safetensors"}) {
    if (const auto path = folder / (stem + ending); std::filesystem::exists(path, error)) return path;
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

/// Integers are classes; columns of 0 and 1 are labels; other numbers are values.
[[nodiscard]] inline Target target_of_features(const std::vector<FeatureSplit>& splits,
                                               const std::vector<std::string>& class_names) {
  const auto is_binary = [](const FeatureSplit& split) {
    return split.labels.eq(0).logical_or(split.labels.eq(1)).all().item<bool>();
  };
  Target target;
  if (splits.front().labels.dim() == 1) {
    target.num_outputs = static_cast<std::int64_t>(class_names.size());
    for (const auto& split : splits) {
      if (class_names.empty())
        target.num_outputs = std::max(target.num_outputs, split.labels.max().item<std::int64_t>() + 1);
    }
    for (const auto& split : splits) {
      const auto wrong = split.labels.lt(0).logical_or(split.labels.ge(target.num_outputs)).nonzero();
      if (wrong.size(0) == 0) continue;
      const auto row = wrong[0].item<std::int64_t>();
      throw DataError(fmt::format("g2d: {}: {}: row {}: expected a label from 0 to {}, got {}", features_where,
                                  split.path.string(), row, target.num_outputs - 1,
                                  split.labels[row].item<std::int64_t>()));
    }
  } else {
    target.kind = std::all_of(splits.begin(), splits.end(), is_binary) ? OutputKind::Labels : OutputKind::Values;
    target.num_outputs = splits.front().labels.size(1);
    if (!class_names.empty() && static_cast<std::int64_t>(class_names.size()) != target.num_outputs) {
      throw DataError(fmt::format("g2d: {}: {}: expected labels [N, {}] as there are class_names, got {}",
                                  features_where, splits.front().path.string(), class_names.size(),
                                  to_string(splits.front().labels.sizes())));
    }
  }
  target.names = class_names;
  for (auto number = static_cast<std::int64_t>(target.names.size()); number < target.num_outputs; ++number) {
    target.names.push_back(fmt::to_string(number));
  }
  return target;
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
///              labels              int64 [N] classes; [N, C] of 0 and 1: labels; other [N, C]: values
///              ids                 uint8 [N, W], UTF-8 padded with zeros; missing: "train:0", "train:1", ...
/// Splits     the files'; without a file for validation it is held out of the training samples, by class or at random.
/// Values     NaN and infinity become 0, with a warning that counts them; then each feature is standardised by the
///            valid steps of the training split; nothing is clipped. Samples without any modality are left out, with a
///            warning.
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
      files.push_back(detail::FeatureSplitReader(path, warnings).read(options.modalities));
    } else if (stem != "validation") {
      detail::require_file(detail::features_where, folder / (stem + ".npz"), detail::features_layout);
    }
  }
  detail::check_same_features(files, options.modalities);
  detail::check_feature_ids(files);
  auto target = detail::target_of_features(files, options.class_names);

  const auto& train = files[0];
  auto train_rows = detail::usable_features(train, warnings);
  data::HeldOut held_out;
  const bool has_validation = files.size() == 3;
  if (!has_validation) {
    held_out = detail::hold_out(train_rows, train.labels, options.validation_fraction, make_generator(options.seed),
                                train.path.string());
    train_rows = held_out.kept;
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
