// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/core/share_of.hpp>
#include <g2d/distillation/any.hpp>

/// What all trainers can be told. A dataset's recipe is one of these with other values.
struct Settings {
  std::string data;                // a folder or file
  std::string loading = "memory";  // or "stream"
  std::int64_t workers = 2;
  bool augments = true;
  std::string unreadable_samples = "refuse";  // or "drop"

  std::vector<std::string> methods{"joint", "joint-total", "g2d-loss", "g2d"};
  std::vector<std::string> encoders{"resnet18"};  // one for all modalities, or one each
  std::vector<std::string> shared_encoder;        // modalities that one encoder serves
  std::int64_t feature_width = 0;                 // of all encoders; 0: each one's own
  std::string fusion = "late";
  std::string readout = "auto";
  std::string feature_distillation = "mse";
  std::string logit_distillation = "auto";
  double feature_weight = 1.0;
  double logit_weight = 1.0;
  double temperature = 1.0;
  std::string suppression = "complete";
  std::string order = "weak-first";
  std::string confidence = "training";
  bool cross_fit = false;
  std::vector<std::int64_t> stage_epochs;  // empty: by alone_share
  double alone_share = 0.0;                // of the run, for each modality alone; 0: equal stages
  bool restart_learning_rate = false;      // its schedule runs anew in each stage

  std::int64_t epochs = 300;
  std::int64_t teacher_epochs = 0;          // 0: as many as the student
  std::string teachers;                     // a folder with teachers of an earlier run, or empty: train them
  std::string teacher_storage = "float32";  // of the outputs that are computed once
  std::int64_t batch_size = 16;
  std::string optimizer = "sgd";
  double learning_rate = 1e-3;
  double momentum = 0.9;
  double weight_decay = 1e-4;
  double drop_after = 2.0 / 3.0;
  std::string selection = "best-validation";
  std::vector<std::uint64_t> seeds{0};

  std::string precision = "float32";
  int threads = 0;
  std::string device = "cpu";
  std::string out = "results";
  bool dry_run = false;
  bool inspect = false;
  bool smoke = false;

  [[nodiscard]] std::int64_t epochs_of_teachers() const { return teacher_epochs > 0 ? teacher_epochs : epochs; }

  /// Whether a method has stages.
  [[nodiscard]] bool has_stages() const {
    return std::any_of(methods.begin(), methods.end(), [](const auto& name) { return name == "g2d" || name == "smp"; });
  }

  /// Without stage lengths: the same for each modality alone, the rest for all.
  /// Errors     ConfigError naming the option that leaves a stage no epoch.
  void complete_stages(std::size_t num_modalities) {
    if (!stage_epochs.empty()) return;
    const auto modalities = static_cast<std::int64_t>(num_modalities);
    const double share = alone_share > 0.0 ? alone_share : 1.0 / static_cast<double>(modalities + 1);
    const auto alone = std::max<std::int64_t>(1, static_cast<std::int64_t>(g2d::share_of(share, epochs)));
    stage_epochs.assign(num_modalities, alone);
    const auto together = epochs - alone * modalities;
    if (together < 1 && has_stages()) {
      const auto option = alone_share > 0.0 && epochs > modalities ? fmt::format("--alone-share {}", alone_share)
                                                                   : fmt::format("--epochs {}", epochs);
      throw g2d::ConfigError(
          fmt::format("{}: expected an epoch at least for each of {} modalities alone and one for all together, got {} "
                      "of {} epochs for each alone",
                      option, modalities, alone, epochs));
    }
    stage_epochs.push_back(std::max<std::int64_t>(1, together));
  }

  void complete_distillation(g2d::OutputKind kind) {
    if (logit_distillation == "auto") logit_distillation = g2d::distillation::default_choice(kind);
  }
};
