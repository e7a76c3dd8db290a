// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

// The golden cases computed from the paper's equations, read into plain containers: no Eigen and no LibTorch here.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/test_directory.hpp"

namespace g2d_test {

/// A matrix, row after row.
struct Table {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;
};

struct PaperLayer {
  Table weight;
  std::vector<double> bias;
};

/// Parameters before or after training. One head for concat, one per modality for late and sum.
struct PaperParameters {
  std::vector<PaperLayer> encoders;
  std::vector<PaperLayer> heads;
};

struct PaperStep {
  std::int64_t epoch = 0;
  std::size_t stage = 0;
  std::vector<std::size_t> active;
  double task = 0.0;
  std::vector<double> feature;
  std::vector<double> logit;
  double total = 0.0;
};

struct PaperCase {
  std::string name;
  std::string task;
  std::string fusion;
  std::string feature_distillation;
  std::string logit_distillation;
  double temperature = 1.0;
  double alpha = 1.0;
  double beta = 1.0;
  double learning_rate = 0.0;
  double momentum = 0.0;
  double weight_decay = 0.0;
  std::vector<std::int64_t> stage_epochs;
  std::size_t batch_size = 0;
  double target_variance = 0.0;  ///< Regression only.
  std::vector<double> confidence;
  std::vector<std::size_t> order;
  std::vector<Table> inputs;
  std::vector<std::int64_t> labels;  ///< Classification only.
  Table targets;                     ///< Regression and multi-label only.
  std::vector<Table> teacher_features;
  std::vector<Table> teacher_logits;
  PaperParameters before;
  PaperParameters after;
  std::vector<PaperStep> steps;

  [[nodiscard]] std::size_t num_modalities() const { return inputs.size(); }
  [[nodiscard]] std::size_t num_samples() const { return inputs.front().rows; }
  [[nodiscard]] std::size_t batches_per_epoch() const { return (num_samples() + batch_size - 1) / batch_size; }
};

/// A list of rows, or of numbers: then one column.
inline Table to_table(const nlohmann::json& json) {
  Table table{json.size(), json.at(0).is_array() ? json.at(0).size() : 1, {}};
  for (const auto& row : json) {
    if (row.is_array()) {
      for (const auto& value : row) table.values.push_back(value.get<double>());
    } else {
      table.values.push_back(row.get<double>());
    }
  }
  return table;
}

inline std::vector<Table> to_tables(const nlohmann::json& json) {
  std::vector<Table> tables;
  for (const auto& table : json) tables.push_back(to_table(table));
  return tables;
}

inline PaperLayer to_layer(const nlohmann::json& json, const std::string& suffix = "") {
  return {to_table(json.at("w" + suffix)), json.at("b" + suffix).get<std::vector<double>>()};
}

inline PaperParameters to_parameters(const nlohmann::json& json, const std::string& when) {
  PaperParameters parameters;
  for (const auto& encoder : json.at("encoders_" + when)) parameters.encoders.push_back(to_layer(encoder));
  const nlohmann::json& head = json.at("head_" + when);
  if (head.contains("w")) {
    parameters.heads.push_back(to_layer(head));
  } else {
    for (std::size_t m = 0; m < parameters.encoders.size(); ++m) {
      parameters.heads.push_back(to_layer(head, std::to_string(m)));
    }
  }
  return parameters;
}

inline PaperStep to_step(const nlohmann::json& json, std::size_t num_modalities) {
  PaperStep step;
  json.at("epoch").get_to(step.epoch);
  json.at("stage").get_to(step.stage);
  json.at("active").get_to(step.active);
  json.at("task").get_to(step.task);
  json.at("total").get_to(step.total);
  for (std::size_t m = 0; m < num_modalities; ++m) {
    step.feature.push_back(json.at("feature_" + std::to_string(m)).get<double>());
    step.logit.push_back(json.at("logit_" + std::to_string(m)).get<double>());
  }
  return step;
}

inline PaperCase read_paper_case(const std::filesystem::path& file) {
  std::ifstream stream(file);
  const nlohmann::json json = nlohmann::json::parse(stream);
  PaperCase result;
  result.name = file.stem().string();
  json.at("task").get_to(result.task);
  json.at("fusion").get_to(result.fusion);
  json.at("feature_distillation").get_to(result.feature_distillation);
  json.at("logit_distillation").get_to(result.logit_distillation);
  json.at("temperature").get_to(result.temperature);
  json.at("alpha").get_to(result.alpha);
  json.at("beta").get_to(result.beta);
  json.at("learning_rate").get_to(result.learning_rate);
  json.at("momentum").get_to(result.momentum);
  json.at("weight_decay").get_to(result.weight_decay);
  json.at("stage_epochs").get_to(result.stage_epochs);
  json.at("batch_size").get_to(result.batch_size);
  json.at("confidence").get_to(result.confidence);
  json.at("order").get_to(result.order);
  result.inputs = to_tables(json.at("inputs"));
  if (result.task == "classification") {
    json.at("targets").get_to(result.labels);
  } else {
    result.targets = to_table(json.at("targets"));
  }
  if (json.contains("target_variance")) json.at("target_variance").get_to(result.target_variance);
  result.teacher_features = to_tables(json.at("teacher_features"));
  result.teacher_logits = to_tables(json.at("teacher_logits"));
  result.before = to_parameters(json, "before");
  result.after = to_parameters(json, "after");
  for (const auto& step : json.at("steps")) result.steps.push_back(to_step(step, result.num_modalities()));
  return result;
}

/// The project's own cases, then those in paper/ below the folder that G2D_FIXTURES names.
inline std::vector<std::filesystem::path> paper_case_files() {
  std::vector<std::filesystem::path> folders{test_directory() / "golden" / "paper"};
  if (const char* more = std::getenv("G2D_FIXTURES"); more != nullptr && *more != '\0') {
    folders.push_back(std::filesystem::path(more) / "paper");
  }
  std::vector<std::filesystem::path> files;
  for (const auto& folder : folders) {
    if (!std::filesystem::is_directory(folder)) continue;
    const auto first = static_cast<std::ptrdiff_t>(files.size());
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::sort(files.begin() + first, files.end());
  }
  return files;
}

}  // namespace g2d_test
