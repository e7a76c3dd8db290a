// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Runs cells of the benchmark suite: one dataset, method, setting and seed each. The driver, suite.py, plans them.
//
//   suite_cell list                                 methods and datasets as JSON
//   suite_cell run SPEC.json OUT.json [SPEC OUT]... one cell each

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <g2d/core/host_memory.hpp>
#include <g2d/core/nearest_name.hpp>
#include <g2d/core/print.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/regression.hpp>

#include "cell_runner.hpp"
#include "cell_spec.hpp"
#include "machine.hpp"
#include "method_entries.hpp"
#include "suite_datasets.hpp"
#include "support/wait_passively.hpp"

namespace {

template <class Entry>
[[nodiscard]] const Entry& find(const std::vector<Entry>& entries, const std::string& name, const char* what) {
  std::vector<std::string> names;
  for (const auto& entry : entries) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  throw g2d::ConfigError(fmt::format("suite_cell: {}: expected one of ({}), got \"{}\"; did you mean \"{}\"?", what,
                                     fmt::join(names, ", "), name, g2d::nearest_name(name, names)));
}

[[nodiscard]] nlohmann::json list() {
  auto out = versions();
  for (const auto& entry : method_entries()) {
    auto tasks = nlohmann::json::array({"classification"});
    if (entry.admits_regression) tasks.push_back("regression");
    out["methods"].push_back({{"name", entry.name},
                              {"title", entry.title},
                              {"source", entry.source},
                              {"citation", entry.source},
                              {"needs_teachers", entry.needs_teachers},
                              {"tasks", tasks},
                              {"fusions", entry.fusions},
                              {"grid", tuning_grid(entry)},
                              {"modality_counts", entry.modality_counts}});
  }
  for (const auto& dataset : suite_datasets()) {
    const auto& recipe = dataset.choice.recipe;
    nlohmann::json defaults{{"epochs", recipe.epochs},
                            {"teacher_epochs", recipe.epochs_of_teachers()},
                            {"batch_size", recipe.batch_size},
                            {"optimizer", recipe.optimizer},
                            {"learning_rate", recipe.learning_rate},
                            {"confidence", recipe.confidence}};
    if (!dataset.samples.empty()) defaults["samples"] = dataset.samples;
    out["datasets"].push_back({{"name", dataset.name},
                               {"title", dataset.choice.summary},
                               {"needs_data", dataset.choice.needs_data},
                               {"task", dataset.is_regression ? "regression" : "classification"},
                               {"modalities", dataset.modalities},
                               {"defaults", std::move(defaults)}});
  }
  return out;
}

template <class Task>
[[nodiscard]] nlohmann::json run(const CellSpec& spec, CellSettings settings, const OpenedDataset& dataset, Task task) {
  CellRunner<Task> runner(spec, std::move(settings), dataset, std::move(task));
  return spec.is_teachers ? runner.teach() : runner.train(find(method_entries(), spec.method, "method"));
}

[[nodiscard]] nlohmann::json run(const CellSpec& spec) {
  auto choice = find(suite_datasets(), spec.dataset, "dataset").choice;
  auto cell = settings_of(spec, choice);
  if (choice.needs_data && cell.settings.data.empty()) {
    throw g2d::ConfigError(
        fmt::format("suite_cell: dataset {}: expected data: {}, got none", spec.dataset, choice.layout));
  }
  at::set_num_threads(cell.settings.threads > 0 ? cell.settings.threads : 1);
  const auto dataset = choice.open(cell.settings, spec.seed);
  switch (dataset.target.kind) {
    case g2d::OutputKind::Classes:
      return run(spec, std::move(cell), dataset, g2d::task::Classification());
    case g2d::OutputKind::Values:
      return run(spec, std::move(cell), dataset,
                 g2d::task::Regression::standardized(dataset.splits.train.targets().cpu()));
    case g2d::OutputKind::Labels:
      break;
  }
  throw g2d::ConfigError(
      fmt::format("suite_cell: dataset {}: expected classes or values to predict, got labels", spec.dataset));
}

[[nodiscard]] nlohmann::json read_json(const std::string& path) {
  std::ifstream file(path);
  auto read = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (read.is_discarded()) throw g2d::DataError(fmt::format("suite_cell: {}: expected JSON, got none", path));
  return read;
}

/// Whether a cell came to its end; what went wrong is printed.
template <class Function>
[[nodiscard]] bool succeeds(Function&& function) {
  try {
    function();
    return true;
  } catch (const c10::Error& error) {
    g2d::print(stderr, "error: {}\n", error.what_without_backtrace());
  } catch (const std::exception& error) {
    g2d::print(stderr, "error: {}\n", error.what());
  }
  return false;
}

/// A cell that fails leaves no file; the others are run all the same.
[[nodiscard]] bool run_cells(const std::vector<std::string>& paths) {
  bool all = true;
  for (std::size_t i = 0; i + 1 < paths.size(); i += 2) {
    all = succeeds([&] { write_file(paths[i + 1], run(CellSpec::of(read_json(paths[i]))).dump() + "\n"); }) && all;
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  wait_passively(argv);
  g2d::keep_host_memory();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments == std::vector<std::string>{"list"}) {
    return succeeds([] { g2d::print("{}\n", list().dump()); }) ? 0 : 1;
  }
  if (arguments.size() >= 3 && arguments.size() % 2 == 1 && arguments[0] == "run") {
    return run_cells({arguments.begin() + 1, arguments.end()}) ? 0 : 1;
  }
  g2d::print(stderr, "usage: suite_cell list | suite_cell run SPEC.json OUT.json [SPEC.json OUT.json]...\n");
  return 2;
}
