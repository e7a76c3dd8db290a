// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/nearest_name.hpp>

#include "method_settings.hpp"
#include "support/command_line.hpp"
#include "support/dataset_choice.hpp"

/// One cell of the suite, as the driver asks for it.
struct CellSpec {
  nlohmann::json given;
  bool is_teachers = false;
  std::string dataset;
  std::string method;
  std::string fusion;
  std::string teachers;
  std::uint64_t seed = 0;
  bool has_analysis = false;

  /// Errors: ConfigError for a spec that lacks something.
  [[nodiscard]] static CellSpec of(nlohmann::json given) {
    try {
      CellSpec spec;
      spec.is_teachers = given.at("kind").get<std::string>() == "teachers";
      spec.dataset = given.at("dataset").at("name").get<std::string>();
      spec.method = spec.is_teachers ? "teachers" : given.at("method").get<std::string>();
      if (given.contains("fusion") && !given["fusion"].is_null()) spec.fusion = given["fusion"].get<std::string>();
      spec.teachers = given.at("teachers").get<std::string>();
      spec.seed = given.at("seed").get<std::uint64_t>();
      spec.has_analysis = given.value("analysis", false);
      spec.given = std::move(given);
      return spec;
    } catch (const nlohmann::json::exception& error) {
      throw g2d::ConfigError(fmt::format(
          "suite_cell: expected a spec with kind, dataset.name, method, teachers and seed: {}", error.what()));
    }
  }
};

/// A spec's settings, those of the trainer and those of the method alone.
struct CellSettings {
  Settings settings;
  MethodSettings own;
};

[[nodiscard]] inline std::string option_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

/// Reads them by the trainers' own options, so that a setting means the same here as there. A name that is no option
/// belongs to the method; `learning_rate_factor` multiplies the dataset's learning rate.
[[nodiscard]] inline CellSettings settings_of(const CellSpec& spec, const DatasetChoice& choice) {
  CellSettings cell{choice.recipe, {}};
  CLI::App app("suite_cell");
  add_options(app, cell.settings);
  choice.add_options(app);
  std::vector<std::string> arguments{"suite_cell"};
  nlohmann::json own = nlohmann::json::object();
  double learning_rate_factor = 1.0;
  const auto text_of = [](const nlohmann::json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  const auto give = [&](const std::string& name, const nlohmann::json& value) {
    if (value.is_null()) return true;
    if (name == "learning_rate_factor") {
      learning_rate_factor = value.get<double>();
      return true;
    }
    const auto* option = app.get_option_no_throw(option_of(name));
    if (option == nullptr) return false;
    if (option->get_expected_max() == 0) {
      if (value.get<bool>()) arguments.push_back(option_of(name));
      return true;
    }
    arguments.push_back(option_of(name));
    if (!value.is_array())
      arguments.push_back(text_of(value));
    else
      for (const auto& one : value) arguments.push_back(text_of(one));
    return true;
  };
  for (const auto& [name, value] : spec.given.at("dataset").items()) {
    if (name != "name" && !give(name, value)) {
      throw g2d::ConfigError(
          fmt::format("suite_cell: dataset {}: expected an option of it, got \"{}\"", spec.dataset, name));
    }
  }
  for (const auto* name : {"epochs", "teacher_epochs", "threads"}) {
    if (spec.given.contains(name)) give(name, spec.given[name]);
  }
  const auto overrides = spec.given.value("settings", nlohmann::json::object());
  for (const auto& [name, value] : overrides.items()) {
    if (!give(name, value)) own[name] = value;
  }
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  if (parse(app, static_cast<int>(argv.size()), argv.data())) {
    throw g2d::ConfigError(fmt::format("suite_cell: dataset {}, method {}: the settings were refused, see above",
                                       spec.dataset, spec.method));
  }
  cell.settings.learning_rate *= learning_rate_factor;
  cell.own = MethodSettings(spec.method, std::move(own));
  return cell;
}
