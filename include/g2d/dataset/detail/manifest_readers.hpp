// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/data/modality_reader.hpp>
#include <g2d/data/read_files.hpp>
#include <g2d/dataset/detail/photograph.hpp>
#include <g2d/dataset/detail/read_recording.hpp>
#include <g2d/dataset/manifest_modality.hpp>
#include <g2d/io/cell.hpp>
#include <g2d/io/csv.hpp>
#include <g2d/io/detail/ending.hpp>
#include <g2d/io/npy.hpp>
#include <g2d/io/npz.hpp>
#include <g2d/transform/chain.hpp>
#include <g2d/transform/crop.hpp>
#include <g2d/transform/place.hpp>
#include <g2d/transform/spectrogram.hpp>
#include <g2d/transform/tile.hpp>
#include <g2d/transform/to_float.hpp>
#include <g2d/transform/truncate.hpp>

/// How each kind of a manifest's modalities is read.
namespace g2d::dataset::detail {

using Paths = std::vector<std::filesystem::path>;

/// A setting of decoding, which no transform's description tells.
[[nodiscard]] inline data::ModalityReader with_setting(data::ModalityReader reader, std::string setting) {
  reader.fingerprint = [files = std::move(reader.fingerprint), setting = std::move(setting)] {
    return files() + " " + setting;
  };
  return reader;
}

[[nodiscard]] inline data::ModalityReader read_manifest_files(const std::string& name, Paths paths,
                                                              const ImageFiles& images, bool augments) {
  return data::read_files(name, std::move(paths), decode_photograph,
                          prepare_photograph({.size = images.size}, augments));
}

[[nodiscard]] inline data::ModalityReader read_manifest_files(const std::string& name, Paths paths,
                                                              const AudioFiles& audio, bool augments) {
  const auto length = std::llround(audio.seconds * static_cast<double>(audio.sample_rate));
  if (audio.sample_rate < 1 || length < 1) {
    throw ConfigError(fmt::format(
        "g2d: dataset::read_manifest: modality \"{}\": expected sample_rate and seconds above 0, got {} and {}", name,
        audio.sample_rate, audio.seconds));
  }
  const auto decode = [rate = audio.sample_rate, length](const std::filesystem::path& path) {
    return read_recording(path, rate, length);
  };
  const transform::Chain prepare{transform::Tile{length},
                                 transform::Crop{length, augments ? transform::Place::Random : transform::Place::Start},
                                 transform::Spectrogram(audio.spectrogram)};
  return with_setting(data::read_files(name, std::move(paths), decode, prepare),
                      fmt::format("{} Hz", audio.sample_rate));
}

[[nodiscard]] inline std::vector<std::string> names_in_npz(const std::filesystem::path& path) {
  std::vector<std::string> names;
  (void)io::read_npz(path, [&](const std::string& name) {
    names.push_back(name);
    return false;
  });
  return names;
}

/// The array of that name, whatever stands beside it, or the only one.
[[nodiscard]] inline at::Tensor read_npz_array(const std::filesystem::path& path, std::string member) {
  const bool is_named = !member.empty();
  if (!is_named) {
    const auto names = names_in_npz(path);
    if (names.size() == 1) member = names[0];
  }
  const auto arrays = io::read_npz(path, [&](const std::string& name) { return name == member; });
  if (arrays.is_empty()) {
    throw DataError(fmt::format("g2d: {}: expected {}, got [{}]", path.string(),
                                is_named ? fmt::format("an array \"{}\"", member)
                                         : std::string("one array, or SequenceFiles::member (--member) to name it"),
                                fmt::join(names_in_npz(path), ", ")));
  }
  return arrays.front().value();
}

/// Whether numbers of a csv's first line may be the names of its columns: they count from 0, as pandas names columns,
/// or are whole and ascending (years, wavelengths) above values that are not all whole. An empty cell before them names
/// an index.
[[nodiscard]] inline bool may_be_names(const at::Tensor& lines) {
  const auto first = lines[0].slice(0, lines[0][0].isnan().item<bool>() ? 1 : 0);
  const auto is_whole = [](const at::Tensor& values) { return values.eq(values.round()).all().item<bool>(); };
  if (first.equal(at::arange(first.size(0), first.options()))) return true;
  return is_whole(first) && first.diff(1, 0).gt(0).all().item<bool>() && !is_whole(lines.slice(0, 1));
}

/// The lines of a csv as [T, D], without the first where it names the columns: where a cell of it is no number.
///
/// Errors     DataError when the first line is numbers that may be names, too.
[[nodiscard]] inline at::Tensor read_csv_steps(const std::filesystem::path& path) {
  const auto lines = io::read_csv(path, {.has_header = false});
  bool has_names = false, has_point = false;
  for (std::size_t column = 0; column < lines.column_names().size(); ++column) {
    const auto& cell = lines.cell(0, column);
    has_names = has_names || !(io::is_missing(cell) || io::parse_number(cell));
    has_point = has_point || cell.find_first_of(".eE") != std::string::npos;
  }
  const auto steps = lines.rows_from(has_names ? 1 : 0);
  std::vector<at::Tensor> columns;
  for (const auto& name : steps.column_names()) columns.push_back(steps.numbers(name));
  auto values = at::stack(columns, 1);
  if (!has_names && !has_point && may_be_names(values)) {
    throw DataError(fmt::format(
        "g2d: {}: expected names of columns or the numbers of a step, got whole numbers that may be either; name the "
        "columns by words (x0, x1)",
        lines.location(0)));
  }
  return values;
}

/// As float64. Errors: DataError for complex values, whose imaginary parts would be lost.
[[nodiscard]] inline at::Tensor real_numbers(const at::Tensor& values, const std::filesystem::path& path) {
  if (values.is_complex()) {
    throw DataError(fmt::format("g2d: {}: expected real numbers, got {}; write real and imaginary parts as two columns",
                                path.string(), c10::toString(values.scalar_type())));
  }
  return values.to(at::kDouble);
}

[[nodiscard]] inline at::Tensor read_steps(const std::filesystem::path& path, const std::string& member) {
  const auto ending = io::detail::lower_case_ending(path);
  if (ending != ".npy" && ending != ".npz" && ending != ".csv") {
    throw DataError(
        fmt::format("g2d: {}: expected a sequence in .npy, .npz or .csv, got another ending", path.string()));
  }
  auto steps = ending == ".npy"   ? io::read_npy(path)
               : ending == ".npz" ? read_npz_array(path, member)
                                  : read_csv_steps(path);
  if (steps.dim() == 1) steps = steps.unsqueeze(1);
  if (steps.dim() != 2 || steps.numel() == 0) {
    throw DataError(fmt::format("g2d: {}: expected a sequence [T, D] of at least one step, got {}", path.string(),
                                to_string(steps.sizes())));
  }
  return steps;
}

/// float64: standardised before it is rounded, so that a large offset costs no digits.
[[nodiscard]] inline data::ModalityReader read_manifest_files(const std::string& name, Paths paths,
                                                              const SequenceFiles& sequences, bool) {
  std::vector<transform::Any> prepare;
  if (sequences.max_length) {
    if (*sequences.max_length < 1) {
      throw ConfigError(fmt::format("g2d: dataset::read_manifest: modality \"{}\": expected max_length >= 1, got {}",
                                    name, *sequences.max_length));
    }
    prepare.emplace_back(transform::Truncate{.length = *sequences.max_length, .keeps_first = false});
  }
  const auto decode = [member = sequences.member](const std::filesystem::path& path) {
    return real_numbers(read_steps(path, member), path);
  };
  auto reader = data::read_files(name, std::move(paths), decode, transform::Chain(std::move(prepare)));
  reader.is_sequence = true;
  return with_setting(std::move(reader), sequences.member);
}

/// float64, as sequences.
[[nodiscard]] inline data::ModalityReader read_manifest_files(const std::string& name, Paths paths, const TensorFiles&,
                                                              bool) {
  const auto decode = [](const std::filesystem::path& path) {
    const auto values = real_numbers(io::read_npy(path), path);
    return values.dim() == 0 ? values.unsqueeze(0) : values;
  };
  return data::read_files(name, std::move(paths), decode, transform::Chain());
}

}  // namespace g2d::dataset::detail
