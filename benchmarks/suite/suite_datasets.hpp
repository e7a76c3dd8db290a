// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/audio_visual_choices.hpp"
#include "support/dataset_choice.hpp"
#include "support/digits.hpp"
#include "support/feature_choices.hpp"
#include "support/image_tabular_choices.hpp"
#include "support/trimodal_choices.hpp"

/// A dataset of the suite: a trainer's, with what the driver has to know before it is opened.
struct SuiteDataset {
  std::string name;
  DatasetChoice choice;
  bool is_regression = false;
  std::vector<std::string> modalities = {};  ///< Empty: known when it is read.
  std::vector<std::int64_t> samples = {};    ///< Of the splits, where `--samples` sets them.
};

namespace detail {

/// Made-up digits with one of the named imbalances.
[[nodiscard]] inline SuiteDataset made_up_digits(std::string_view imbalance) {
  const auto options = std::make_shared<DigitsOptions>();
  options->imbalance = imbalance;
  auto choice = digits_choice(options);
  choice.summary = fmt::format("made-up digits, {}", imbalance);
  return {fmt::format("digits-{}", imbalance), std::move(choice), false, {"audio", "image"}, {1600, 500, 1000}};
}

/// As in docs/results/digits.md.
[[nodiscard]] inline SuiteDataset real_digits() {
  const auto options = std::make_shared<DigitsOptions>();
  options->audio_noise = 1.0;
  options->image_noise = 3.3;
  options->samples = {2000, 1000, 2000};
  auto choice = digits_choice(options);
  choice.summary = "digits that are heard and seen: MNIST and recordings";
  choice.needs_data = true;
  choice.recipe.epochs = 30;
  choice.recipe.teacher_epochs = 15;
  return {"real-digits", std::move(choice), false, {"audio", "image"}, {2000, 1000, 2000}};
}

[[nodiscard]] inline SuiteDataset trimodal(DatasetChoice choice, bool is_regression) {
  auto name = choice.name;
  return {std::move(name), std::move(choice), is_regression, {"audio", "image", "text"}, {1200, 400, 1000}};
}

[[nodiscard]] inline SuiteDataset manifest(bool is_regression) {
  auto choice = manifest_choice();
  choice.summary += is_regression ? "; values to predict" : "; classes to predict";
  return {is_regression ? "manifest-regression" : "manifest", std::move(choice), is_regression, {}};
}

}  // namespace detail

/// All of them, with options of their own: to be asked for anew for each cell.
[[nodiscard]] inline std::vector<SuiteDataset> suite_datasets() {
  auto houses = houses_choice();
  houses.recipe.augments = false;
  return {detail::made_up_digits("audio-strong"),
          detail::made_up_digits("balanced"),
          detail::made_up_digits("image-strong"),
          detail::trimodal(trimodal_choice(), false),
          detail::trimodal(trimodal_regression_choice(), true),
          detail::real_digits(),
          {"houses", std::move(houses), true, {"frontal", "table"}},
          {"ur_funny", ur_funny_choice(), false, {"text", "audio", "vision"}},
          {"iemocap", iemocap_choice(), false, {"text", "audio", "vision"}},
          {"cremad", cremad_choice(), false, {"audio", "video"}},
          {"av_mnist", av_mnist_choice(), false, {"audio", "image"}},
          {"vggsound", vggsound_choice(), false, {"audio", "video"}},
          {"mis_me", mis_me_choice(), true, {}},
          detail::manifest(false),
          detail::manifest(true)};
}
