// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "support/audio_visual_choices.hpp"
#include "support/dataset_choice.hpp"
#include "support/digits.hpp"
#include "support/feature_choices.hpp"
#include "support/image_tabular_choices.hpp"

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
[[nodiscard]] inline SuiteDataset made_up_digits(const std::string& imbalance, const std::string& summary) {
  auto choice = digits_choice();
  choice.summary = summary;
  choice.open = [open = choice.open, options = choice.add_options, imbalance](const Settings& settings, std::uint64_t seed) {
    return open(settings, seed);
  };
  return {"digits-" + imbalance, std::move(choice), false, {"audio", "image"}};
}

[[nodiscard]] inline SuiteDataset real_digits() {
  auto choice = digits_choice();
  choice.summary = "digits that are heard and seen: MNIST and recordings";
  choice.needs_data = true;
  // As in docs/results/digits.md.
  choice.recipe.epochs = 30;
  choice.recipe.teacher_epochs = 15;
  return {"real-digits", std::move(choice), false, {"audio", "image"}};
}

[[nodiscard]] inline SuiteDataset manifest(bool is_regression) {
  auto choice = manifest_choice();
  choice.summary += is_regression ? "; values to predict" : "; classes to predict";
  if (is_regression) choice.recipe.logit_distillation = "mse";
  return {is_regression ? "manifest-regression" : "manifest", std::move(choice), is_regression, {}};
}

}  // namespace detail

/// All of them, with options of their own: to be asked for anew for each cell.
[[nodiscard]] inline std::vector<SuiteDataset> suite_datasets() {
  auto houses = houses_choice();
  houses.recipe.augments = false;
  return {detail::made_up_digits("audio-strong", "made-up digits: audio is strong and learned fast"),
          detail::real_digits(),
          {"houses", std::move(houses), true, {"frontal", "table"}},
          {"ur_funny", ur_funny_choice(), false, {"text", "audio", "vision"}},
          {"iemocap", iemocap_choice(), false, {"text", "audio", "vision"}},
          {"cremad", cremad_choice(), false, {"audio", "image"}},
          {"av_mnist", av_mnist_choice(), false, {"audio", "image"}},
          {"vggsound", vggsound_choice(), false, {"audio", "image"}},
          {"mis_me", mis_me_choice(), true, {}},
          detail::manifest(false),
          detail::manifest(true)};
}
