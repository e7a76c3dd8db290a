// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <g2d/distillation/any.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/readout/any.hpp>

/// Everything that the digits trainer can be told.
struct DigitsSettings {
  std::string data;  // a folder, or empty: the built-in generator
  std::vector<std::int64_t> samples{1600, 500, 1000};
  std::optional<double> audio_noise;  // default: the dataset's own
  std::optional<double> image_noise;
  double audio_strength = 1.0;
  double image_strength = 1.0;
  double noise_correlation = 0.0;
  std::vector<std::string> test_speakers;
  std::vector<std::string> validation_speakers;

  std::vector<std::string> methods{"joint", "joint-total", "g2d-loss", "g2d"};
  std::string encoder = "small-cnn";
  std::string fusion = "late";
  std::string readout = "auto";
  std::string feature_distillation = "mse";
  std::string logit_distillation = "kl";
  double feature_weight = 1.0;
  double logit_weight = 1.0;
  double temperature = 1.0;
  std::string suppression = "complete";
  std::string order = "weak-first";
  std::string confidence = "held-out";
  bool cross_fit = false;
  std::vector<std::int64_t> stage_epochs;

  std::int64_t epochs = 16;
  std::int64_t teacher_epochs = 0;  // 0: as many as the student
  std::string teachers;             // a folder with teachers of an earlier run, or empty: train them
  std::int64_t batch_size = 64;
  double learning_rate = 0.02;
  double momentum = 0.9;
  double weight_decay = 1e-4;
  std::string optimizer = "sgd";
  double drop_after = 0.7;
  std::string selection = "best-validation";
  std::vector<std::uint64_t> seeds{0};

  int threads = 0;
  std::string device = "cpu";
  std::string out = "digits-results";
  bool smoke = false;

  [[nodiscard]] std::int64_t epochs_of_teachers() const { return teacher_epochs > 0 ? teacher_epochs : epochs; }
};

inline constexpr std::array<std::string_view, 9> digits_methods{
    "joint", "joint-total", "multi-task", "g2d-loss", "g2d", "smp", "umt", "ogm", "ogm-ge"};

template <class Choices>
[[nodiscard]] CLI::IsMember one_of(const Choices& choices) {
  return CLI::IsMember(std::vector<std::string>(choices.begin(), choices.end()));
}

inline void add_data_options(CLI::App& app, DigitsSettings& settings) {
  const std::string group = "Data";
  app.add_option("--data", settings.data,
                 "folder with MNIST's IDX files and the Free Spoken Digit recordings (fsdd/*.wav); without it digits are made up")
      ->group(group);
  app.add_option("--samples", settings.samples, "training, validation and test samples")->expected(3)->group(group)->capture_default_str();
  app.add_option("--audio-noise", settings.audio_noise, "in standard deviations of the spectrogram; default: 0.8 for real digits, 1.5 for made-up ones")->group(group);
  app.add_option("--image-noise", settings.image_noise, "in standard deviations of the image; default: 3.3 for real digits, 4.5 for made-up ones")->group(group);
  app.add_option("--audio-strength", settings.audio_strength, "made-up digits: 0 says nothing, 1 most")->group(group)->capture_default_str();
  app.add_option("--image-strength", settings.image_strength, "made-up digits: 0 says nothing, 1 most")->group(group)->capture_default_str();
  app.add_option("--noise-correlation", settings.noise_correlation, "made-up digits: -1 to 1")->group(group)->capture_default_str();
  app.add_option("--test-speakers", settings.test_speakers, "real digits: these speakers are heard in the test only")->group(group);
  app.add_option("--validation-speakers", settings.validation_speakers, "real digits: with --test-speakers")->group(group);
}

inline void add_method_options(CLI::App& app, DigitsSettings& settings) {
  const std::string group = "Method";
  app.add_option("--methods", settings.methods, "which to train")->check(one_of(digits_methods))->group(group)->capture_default_str();
  app.add_option("--encoder", settings.encoder)->check(CLI::IsMember({"small-cnn", "resnet18"}))->group(group)->capture_default_str();
  app.add_option("--fusion", settings.fusion)->check(one_of(g2d::fusion::choices))->group(group)->capture_default_str();
  app.add_option("--readout", settings.readout)->check(one_of(g2d::readout::choices))->group(group)->capture_default_str();
  app.add_option("--feature-distillation", settings.feature_distillation)->check(one_of(g2d::distillation::choices))->group(group)->capture_default_str();
  app.add_option("--logit-distillation", settings.logit_distillation)->check(one_of(g2d::distillation::choices))->group(group)->capture_default_str();
  app.add_option("--feature-weight", settings.feature_weight, "alpha")->group(group)->capture_default_str();
  app.add_option("--logit-weight", settings.logit_weight, "beta")->group(group)->capture_default_str();
  app.add_option("--temperature", settings.temperature, "tau")->group(group)->capture_default_str();
  app.add_option("--suppression", settings.suppression)->check(CLI::IsMember({"complete", "partial", "zeroed"}))->group(group)->capture_default_str();
  app.add_option("--order", settings.order)->check(CLI::IsMember({"weak-first", "strong-first", "random", "declared"}))->group(group)->capture_default_str();
  app.add_option("--confidence", settings.confidence, "where rho is measured")
      ->check(CLI::IsMember({"training", "held-out", "cross-fitted"}))->group(group)->capture_default_str();
  app.add_flag("--cross-fit", settings.cross_fit, "measure the cross-fitted rho too (trains the teachers twice more)")->group(group);
  app.add_option("--stage-epochs", settings.stage_epochs, "one for each modality alone, one for all; default: a tenth, a tenth, the rest")->group(group);
}

inline void add_training_options(CLI::App& app, DigitsSettings& settings) {
  const std::string group = "Training";
  app.add_option("--epochs", settings.epochs, "of every student")->check(CLI::PositiveNumber)->group(group)->capture_default_str();
  app.add_option("--teacher-epochs", settings.teacher_epochs, "default: as --epochs")->group(group);
  app.add_option("--teachers", settings.teachers, "folder of an earlier run, whose teachers are loaded instead of trained")
      ->check(CLI::ExistingDirectory)->group(group);
  app.add_option("--batch-size", settings.batch_size)->check(CLI::PositiveNumber)->group(group)->capture_default_str();
  app.add_option("--optimizer", settings.optimizer)->check(CLI::IsMember({"sgd", "adam", "adamw"}))->group(group)->capture_default_str();
  app.add_option("--learning-rate", settings.learning_rate)->group(group)->capture_default_str();
  app.add_option("--momentum", settings.momentum)->group(group)->capture_default_str();
  app.add_option("--weight-decay", settings.weight_decay)->group(group)->capture_default_str();
  app.add_option("--drop-after", settings.drop_after, "share of the run after which the learning rate is a tenth")->group(group)->capture_default_str();
  app.add_option("--selection", settings.selection)->check(CLI::IsMember({"best-validation", "last"}))->group(group)->capture_default_str();
  app.add_option("--seeds", settings.seeds, "one run of everything for each")->group(group)->capture_default_str();
  app.add_option("--threads", settings.threads, "default: as many as LibTorch takes")->group(group);
  app.add_option("--device", settings.device, "cpu, cuda, cuda:1, ...")->group(group)->capture_default_str();
  app.add_option("--out", settings.out, "folder for results.csv, results.json and the weights of teachers and students")->group(group)->capture_default_str();
  app.add_flag("--smoke", settings.smoke, "a few seconds of everything, to see that it runs")->group(group);
}

/// Real digits get more samples and epochs unless told otherwise; a smoke run gets little of everything.
inline void apply_defaults(CLI::App& app, DigitsSettings& settings) {
  if (!settings.data.empty() && app.count("--samples") == 0) settings.samples = {4000, 1000, 2000};
  if (!settings.data.empty() && app.count("--epochs") == 0) settings.epochs = 40;
  if (settings.smoke) {
    settings.samples = {200, 100, 100};
    settings.epochs = 3;
    settings.teacher_epochs = 2;
    if (app.count("--stage-epochs") == 0) settings.stage_epochs = {1, 1, 1};
    settings.batch_size = std::min<std::int64_t>(settings.batch_size, 32);
  }
  if (settings.stage_epochs.empty()) {
    // Short stages: a weak modality that is alone for long learns its samples by heart (docs/results/digits.md).
    const auto alone = std::max<std::int64_t>(1, settings.epochs / 10);
    settings.stage_epochs = {alone, alone, settings.epochs - 2 * alone};
  }
  if (settings.confidence == "cross-fitted") settings.cross_fit = true;
}
