// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/dataset.hpp>
#include <g2d/dataset/detail/split_generators.hpp>
#include <g2d/dataset/detail/trimodal_signals.hpp>
#include <g2d/dataset/gaussian_noise.hpp>
#include <g2d/dataset/in_memory_dataset.hpp>
#include <g2d/dataset/standardization.hpp>

namespace g2d::dataset {

/// What can be learned from a made-up modality.
struct SyntheticModality {
  double strength = 1.0;  ///< 0: it says nothing of the target; 1: its cues are as far apart as they go.
  double noise = 1.0;     ///< Mean standard deviation of a sample's noise, in units of the standardised values.
};

/// Settings of make_synthetic_trimodal and make_synthetic_regression. By default audio is strong and learned fast, the
/// image takes longer, and the text is weak and learned last.
struct SyntheticTrimodalOptions {
  data::Splits<std::int64_t> samples{1200, 400, 1000};
  SyntheticModality audio{.noise = 2.0};
  SyntheticModality image{.noise = 3.5};
  SyntheticModality text{.noise = 1.3};
  /// -0.5 to 1: whether a sample that is noisy in one modality is noisy in the others.
  double noise_correlation = 0.0;
  std::uint64_t seed = 0;
};

namespace detail {

/// What the trimodal data draw random numbers for. Each has a stream of its own, so that no option moves another's
/// draws.
enum class TrimodalStream : std::uint64_t { Cues, Difficulty, Audio, Image, Text, AudioNoise, ImageNoise, TextNoise };

[[nodiscard]] inline data::Splits<at::Generator> trimodal_generators(std::uint64_t seed, TrimodalStream stream) {
  constexpr std::uint64_t salt = 0x7472696d6f64616c;
  return split_generators(seed, salt, static_cast<std::uint64_t>(stream));
}

inline void check_trimodal(const SyntheticTrimodalOptions& options, std::string_view where) {
  const auto check = [&](bool holds, std::string_view expected, double got) {
    if (!holds) throw ConfigError(fmt::format("g2d: {}: expected {}, got {}", where, expected, got));
  };
  for (const auto count : {options.samples.train, options.samples.validation, options.samples.test}) {
    check(count > 0, "at least one sample in each split", static_cast<double>(count));
  }
  for (const auto& modality : {options.audio, options.image, options.text}) {
    check(modality.strength >= 0 && modality.strength <= 1, "strengths from 0 to 1", modality.strength);
    check(modality.noise >= 0 && std::isfinite(modality.noise), "finite noise deviations of at least 0",
          modality.noise);
  }
  check(options.noise_correlation >= -0.5 && options.noise_correlation <= 1, "a noise correlation from -0.5 to 1",
        options.noise_correlation);
}

/// z ~ N(0, 1) in three columns, of which any two have the correlation r:
///
///     z_m = sqrt(1 - r) e_m + (sqrt(1 + 2 r) - sqrt(1 - r)) mean(e),   e ~ N(0, 1) independent
[[nodiscard]] inline at::Tensor correlated_normals(std::int64_t count, double correlation,
                                                   const at::Generator& generator) {
  const auto independent = at::randn({count, 3}, std::optional(generator), at::kFloat);
  const double own = std::sqrt(1 - correlation);
  return own * independent + (std::sqrt(1 + 2 * correlation) - own) * independent.mean(1, /*keepdim=*/true);
}

/// What is to be predicted, and what each modality is made from.
struct TrimodalTarget {
  at::Tensor values;  ///< int64 [N], or float32 [N, 1].
  at::Tensor cues;    ///< float32 [N, 3], 0 to 1: of audio, image and text.
};

/// Renders the cues, standardises by the training split, adds the noise, numbers the samples.
[[nodiscard]] inline InMemoryDataset assemble_trimodal(const SyntheticTrimodalOptions& options, std::string_view name,
                                                       const data::Splits<TrimodalTarget>& targets, Target target) {
  const auto generators = [&](TrimodalStream stream) { return trimodal_generators(options.seed, stream); };
  const auto difficulties = data::map_splits(
      [&](std::int64_t count, const at::Generator& generator) {
        return correlated_normals(count, options.noise_correlation, generator);
      },
      options.samples, generators(TrimodalStream::Difficulty));
  auto description =
      fmt::format("{}; seed {}; samples {}, {}, {}; noise correlation {}", name, options.seed, options.samples.train,
                  options.samples.validation, options.samples.test, options.noise_correlation);
  const auto make = [&](std::int64_t m, std::string_view modality_name, const SyntheticModality& modality,
                        const auto& render, TrimodalStream signal_stream, TrimodalStream noise_stream) {
    const auto signals = data::map_splits(
        [&](const TrimodalTarget& split, const at::Generator& generator) {
          return render(0.5 + modality.strength * (split.cues.select(1, m) - 0.5), generator);
        },
        targets, generators(signal_stream));
    const auto standardize = measure_standardization(signals.train, modality_name);
    description +=
        fmt::format("; {}: strength {}, noise {}, standardised by the training split: mean {:.9g} deviation {:.9g}",
                    modality_name, modality.strength, modality.noise, standardize.mean, standardize.deviation);
    return data::map_splits(
        [&](const at::Tensor& values, const at::Tensor& difficulty, const at::Generator& generator) {
          const auto deviations = difficulty.select(1, m).mul(0.5).sub(0.125).exp() * modality.noise;
          return add_gaussian_noise(standardize(values), deviations, generator);
        },
        signals, difficulties, generators(noise_stream));
  };
  const auto audio = make(0, "audio", options.audio, play_tones, TrimodalStream::Audio, TrimodalStream::AudioNoise);
  const auto image = make(1, "image", options.image, draw_stripes, TrimodalStream::Image, TrimodalStream::ImageNoise);
  const auto text = make(2, "text", options.text, write_words, TrimodalStream::Text, TrimodalStream::TextNoise);

  std::int64_t next_id = 0;
  const auto gather = [&](const TrimodalTarget& split, const at::Tensor& a, const at::Tensor& i, const at::Tensor& t) {
    const auto first = next_id;
    next_id += a.size(0);
    return data::InMemory({"audio", "image", "text"}, {a, i, t}, split.values, at::arange(first, next_id, at::kLong));
  };
  return {std::string(name), data::map_splits(gather, targets, audio, image, text), std::move(target),
          std::move(description)};
}

}  // namespace detail

/// Six classes out of nothing, each sample heard, seen and written about: "audio" [8, 12] is a tone, a sequence;
/// "image" [1, 14, 14] a patch of stripes; "text" [24] the counts of words in two parts. The class is the pitch of the
/// tone, the direction of the stripes, the way from the one part's topic to the other's. Classes that sound alike
/// neither look alike nor read alike, and each sample has noise levels of its own: what is hard to hear may be easy to
/// see.
///
///     cue_m  = 1/2 + strength_m (position_m(class) / 5 - 1/2)
///     x_m    = standardised signal_m(cue_m) + noise_m exp(z_m / 2 - 1/8) N(0, 1),   z ~ N(0, 1) of each sample
///
/// Splits     balanced classes; ids from 0 on: training, validation, test.
/// Errors     ConfigError naming the option that is out of range.
[[nodiscard]] inline InMemoryDataset make_synthetic_trimodal(const SyntheticTrimodalOptions& options = {}) {
  constexpr std::int64_t num_classes = 6;
  detail::check_trimodal(options, "dataset::make_synthetic_trimodal");
  // By class: where it stands on the way from cue 0 to cue 1 in audio, image and text.
  const auto positions = at::tensor({0.0F, 0.0F, 1.0F,  //
                                     1.0F, 2.0F, 3.0F,  //
                                     2.0F, 4.0F, 0.0F,  //
                                     3.0F, 1.0F, 5.0F,  //
                                     4.0F, 3.0F, 2.0F,  //
                                     5.0F, 5.0F, 4.0F})
                             .view({num_classes, 3});
  const auto draw = [&](std::int64_t count, const at::Generator& generator) {
    const auto labels = at::randperm(count, std::optional(generator), at::kLong).remainder(num_classes);
    return detail::TrimodalTarget{labels, positions.index_select(0, labels) / (num_classes - 1)};
  };
  const auto targets =
      data::map_splits(draw, options.samples, detail::trimodal_generators(options.seed, detail::TrimodalStream::Cues));
  std::vector<std::string> names;
  for (std::int64_t label = 0; label < num_classes; ++label) names.push_back(fmt::to_string(label));
  return detail::assemble_trimodal(options, "synthetic trimodal classes", targets,
                                   {OutputKind::Classes, num_classes, std::move(names), {}});
}

/// A number out of nothing, of which the modalities of make_synthetic_trimodal tell a part each:
///
///     target = 100 + 30 a + 20 i + 15 t + 30 i t,   cue_m = (1 + strength_m m) / 2   for m = a, i, t in -1 … 1
///
/// with a the pitch of the tone, i the direction of the stripes and t the way between the topics: uniform each, and any
/// two correlated (0.6 between the normal variables behind them), so that what one tells is half known from another.
/// The product can be told from image and text together only.
///
/// Target     in points, as a file would have it: task::Regression::standardized scales the loss.
/// Errors     ConfigError naming the option that is out of range.
[[nodiscard]] inline InMemoryDataset make_synthetic_regression(const SyntheticTrimodalOptions& options = {}) {
  detail::check_trimodal(options, "dataset::make_synthetic_regression");
  const auto draw = [](std::int64_t count, const at::Generator& generator) {
    const auto cues = detail::correlated_normals(count, 0.6, generator).div(std::numbers::sqrt2).erf().add(1).div(2);
    const auto parts = (2 * cues - 1).unbind(1);
    const auto values = 100 + 30 * parts[0] + 20 * parts[1] + 15 * parts[2] + 30 * parts[1] * parts[2];
    return detail::TrimodalTarget{values.unsqueeze(1), cues};
  };
  const auto targets =
      data::map_splits(draw, options.samples, detail::trimodal_generators(options.seed, detail::TrimodalStream::Cues));
  return detail::assemble_trimodal(options, "synthetic trimodal regression", targets,
                                   {OutputKind::Values, 1, {"score"}, "points"});
}

}  // namespace g2d::dataset
