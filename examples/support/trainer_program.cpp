// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "trainer_program.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include <g2d/core/host_memory.hpp>
#include <g2d/core/nearest_name.hpp>
#include <g2d/core/print.hpp>
#include <g2d/io/read_warnings.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/multi_label.hpp>
#include <g2d/task/regression.hpp>
#include <g2d/version.hpp>

#include "command_line.hpp"
#include "experiment.hpp"
#include "inspect.hpp"
#include "run_folder.hpp"
#include "stop_on_interrupt.hpp"
#include "survive_lost_output.hpp"
#include "wait_passively.hpp"

g2d::optimizer::Settings optimizer_settings(const Settings& settings) {
  if (settings.optimizer == "adam") {
    return g2d::optimizer::Adam{.learning_rate = settings.learning_rate, .weight_decay = settings.weight_decay};
  }
  if (settings.optimizer == "adamw") {
    return g2d::optimizer::AdamW{.learning_rate = settings.learning_rate, .weight_decay = settings.weight_decay};
  }
  return g2d::optimizer::Sgd{
      .learning_rate = settings.learning_rate, .momentum = settings.momentum, .weight_decay = settings.weight_decay};
}

g2d::TrainerOptions trainer_options(const Settings& settings, std::int64_t epochs, std::uint64_t seed,
                                    const std::string& label, const std::stop_token& stop) {
  g2d::TrainerOptions options{
      .optimizer = optimizer_settings(settings), .num_epochs = epochs, .batch_size = settings.batch_size, .seed = seed};
  options.learning_rate = g2d::learning_rate::drop_after(settings.drop_after);
  options.selection = settings.selection == "last" ? g2d::Selection::Last : g2d::Selection::BestValidation;
  options.stop = stop;
  if (!label.empty()) g2d::ProgressBar::attach(options, fmt::format("seed {} {:<13}", seed, label));
  return options;
}

namespace {

struct Run {
  const CLI::App& app;
  const DatasetChoice& choice;
  Settings& settings;
  StopOnInterrupt& interrupt;
};

void print_opened(const DatasetChoice& choice, const OpenedDataset& dataset) {
  const auto& splits = dataset.splits;
  g2d::print("{}: {} training, {} validation, {} test samples of ({})\n", choice.name, splits.train.size(),
             splits.validation.size(), splits.test.size(), splits.train.names().joined());
  for (const auto& warning : dataset.warnings) g2d::print("warning: {}\n", warning);
}

/// What readers noticed about files, a line for each kind: of those in memory when they are read, of streamed ones at
/// the end.
void print_read_warnings() {
  for (const auto& warning : g2d::io::read_warnings().all()) g2d::print("warning: {}\n", warning.str());
  g2d::io::read_warnings().clear();
}

/// What was decided while the dataset was read, a line each.
void print_description(const std::string& description) {
  constexpr std::string_view separator = "; ";
  for (std::size_t begin = 0; begin < description.size();) {
    const auto end = std::min(description.find(separator, begin), description.size());
    g2d::print("  {}\n", description.substr(begin, end - begin));
    begin = end + separator.size();
  }
}

template <class Task>
void print_plan(const Settings& settings, const Experiment<Task>& experiment) {
  const auto& encoders = experiment.encoders();
  for (std::size_t m = 0; m < encoders.names().size(); ++m) {
    std::int64_t count = 0;
    for (const auto& parameter : encoders.make(m).module()->parameters()) count += parameter.numel();
    g2d::print("  {}: samples {}, {} {} with {} parameters\n", encoders.names()[m], g2d::to_string(encoders.shape(m)),
               encoders.is_shared(m) ? "shared encoder" : "encoder", encoders.choice(m), count);
  }
  g2d::print("  methods {}; stages {} of {} epochs; teachers {} epochs; seeds {}\n", fmt::join(settings.methods, " "),
             fmt::join(settings.stage_epochs, " "), settings.epochs, settings.epochs_of_teachers(),
             fmt::join(settings.seeds, " "));
}

/// results.csv and results.json, each replaced as a whole.
void write_results(const Run& run, const Results& results, const nlohmann::json& seeds, bool was_interrupted) {
  const std::filesystem::path out(run.settings.out);
  write_file(out / "results.csv", results.csv());
  const nlohmann::json report{
      {"g2d", G2D_VERSION},          {"dataset", run.choice.name},       {"settings", config_text(run.app)},
      {"smoke", run.settings.smoke}, {"threads", at::get_num_threads()}, {"seeds", seeds},
      {"results", results.json()},   {"interrupted", was_interrupted}};
  // Names of files and folders, which the command line has, may be of any bytes.
  write_file(out / "results.json",
             report.dump(1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace) + "\n");
}

/// Whether the teachers are read from where the results go.
bool reads_teachers_of(const Settings& settings) {
  std::error_code error;
  return !settings.teachers.empty() && std::filesystem::equivalent(settings.teachers, settings.out, error);
}

/// All seeds of one task. `make_task` fits the task to a training split.
template <class MakeTask>
int run_seeds(const Run& run, std::optional<OpenedDataset> dataset, const MakeTask& make_task) {
  auto& settings = run.settings;
  const auto modalities = dataset->splits.train.names().size();
  if (settings.smoke && settings.stage_epochs.empty()) settings.epochs = static_cast<std::int64_t>(modalities) + 1;
  settings.complete_stages(modalities);
  settings.complete_distillation(dataset->target.kind);
  Results results(dataset->splits.train.names(), dataset->target.unit);
  nlohmann::json seeds;
  bool was_interrupted = false;
  results.on_row([&] { write_results(run, results, seeds, /*was_interrupted=*/true); });
  std::optional<RunFolder> folder;
  for (const auto seed : settings.seeds) {
    if (!dataset) dataset = run.choice.open(settings, seed);
    print_opened(run.choice, *dataset);
    print_read_warnings();
    Experiment experiment(settings, *dataset, make_task(*dataset), seed, run.interrupt.token(), results);
    experiment.check();
    if (!folder) experiment.check_teachers();
    if (settings.dry_run) {
      print_description(dataset->description);
      print_plan(settings, experiment);
      return 0;
    }
    if (!folder) folder.emplace(settings.out).remove_results(reads_teachers_of(settings));
    run.interrupt.set_training(true);
    try {
      experiment.teach();
      experiment.measure_confidence();
      for (const auto& method : settings.methods) experiment.train(method);
      seeds[std::to_string(seed)] = {{"data", dataset->description}, {"rho", experiment.confidence()}};
      g2d::io::save_weights(experiment.student(), std::filesystem::path(settings.out) / "student.safetensors");
    } catch (const Interrupted&) {
      was_interrupted = true;
      break;
    } catch (const TeacherDiverged&) {
      g2d::print(stderr, "error: seed {}: no student was trained, for a teacher has diverged\n", seed);
    }
    dataset.reset();
    was_interrupted = run.interrupt.token().stop_requested() && seed != settings.seeds.back();
    if (was_interrupted) break;
    run.interrupt.set_training(false);
  }
  if (!results.empty()) {
    write_results(run, results, seeds, was_interrupted);
    g2d::print("\n{}\n{}\nwritten: {}/results.csv, results.json{}\n", results.table(), results.comparisons(),
               settings.out, was_interrupted ? "" : ", student.safetensors");
  }
  if (was_interrupted) return run.interrupt.status();
  return results.has_diverged() ? 1 : 0;
}

/// Threads that read while the model trains are taken from those of the arithmetic, for which one is left at least.
void divide_threads(const Settings& settings) {
  const auto workers = static_cast<int>(settings.workers);
  at::set_num_threads(std::max(1, at::get_num_threads() - workers));
  g2d::print("  threads: {} of the arithmetic, {} that read\n", at::get_num_threads(), workers);
}

/// A seed or a method given twice would count as two runs.
template <class Value>
void expect_distinct(std::string_view option, const std::vector<Value>& values) {
  if (std::set<Value>(values.begin(), values.end()).size() == values.size()) return;
  throw g2d::ConfigError(fmt::format("{}: expected each once, got {}", option, fmt::join(values, " ")));
}

int run_task(const Run& run) {
  expect_distinct("--seeds", run.settings.seeds);
  expect_distinct("--methods", run.settings.methods);
  RunFolder::check(run.settings.out);
  auto dataset = run.choice.open(run.settings, run.settings.seeds.at(0));
  if (run.settings.inspect) {
    print_opened(run.choice, dataset);
    print_description(dataset.description);
    const RunFolder folder(run.settings.out);
    inspect(dataset, run.settings.out);
    print_read_warnings();
    return 0;
  }
  if (dataset.is_streamed) divide_threads(run.settings);
  switch (dataset.target.kind) {
    case g2d::OutputKind::Classes:
      return run_seeds(run, std::move(dataset), [](const OpenedDataset&) { return g2d::task::Classification(); });
    case g2d::OutputKind::Labels:
      return run_seeds(run, std::move(dataset), [](const OpenedDataset&) { return g2d::task::MultiLabel(); });
    case g2d::OutputKind::Values:
      break;
  }
  return run_seeds(run, std::move(dataset), [](const OpenedDataset& opened) {
    return g2d::task::Regression::standardized(opened.splits.train.targets().cpu());
  });
}

int run_parsed(const Run& run) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // In a log file, lines appear as they are printed.
  g2d::keep_host_memory();
  if (run.settings.threads > 0) at::set_num_threads(run.settings.threads);
  g2d::print("g2d {}, {} threads, device {}, {}\n", G2D_VERSION, at::get_num_threads(), run.settings.device,
             run.settings.precision);
  try {
    const auto status = run_task(run);
    print_read_warnings();
    return status;
  } catch (const c10::Error& error) {
    g2d::print(stderr, "error: {}\n", error.what_without_backtrace());
  } catch (const std::exception& error) {
    g2d::print(stderr, "error: {}\n", error.what());
  }
  return 1;
}

void print_datasets(std::FILE* stream, const std::string& program, const std::string& summary,
                    const std::vector<DatasetChoice>& choices) {
  g2d::print(stream, "{}\n\nUsage: {} DATASET [options]\n\nDatasets:\n", summary, program);
  for (const auto& choice : choices) g2d::print(stream, "  {:<12} {}\n", choice.name, choice.summary);
  g2d::print(stream, "\n{} DATASET --help lists the options, with the dataset's recipe as defaults.\n", program);
}

}  // namespace

int run_trainer(int argc, char** argv, const std::string& summary, const std::vector<DatasetChoice>& choices) {
  wait_passively(argv);
  survive_lost_output();
  const auto program = std::filesystem::path(argv[0]).filename().string();
  const std::string name = argc > 1 ? argv[1] : "--help";
  if (name == "--help" || name == "-h") {
    print_datasets(argc > 1 ? stdout : stderr, program, summary, choices);
    return argc > 1 ? 0 : 2;
  }
  const auto found =
      std::find_if(choices.begin(), choices.end(), [&](const auto& choice) { return choice.name == name; });
  if (found == choices.end()) {
    std::vector<std::string> names;
    for (const auto& choice : choices) names.push_back(choice.name);
    g2d::print(stderr, "error: expected a dataset first ({}), got \"{}\"; did you mean \"{}\"?\n",
               fmt::join(names, ", "), name, g2d::nearest_name(name, names));
    return 2;
  }
  Settings settings = found->recipe;
  CLI::App app(fmt::format("{}: {}\n\nExpected below --data: {}", found->name, found->summary, found->layout),
               program + " " + found->name);
  add_options(app, settings);
  found->add_options(app);
  const auto status = parse(app, argc - 1, argv + 1);
  if (status) return *status;
  if (settings.data.empty() && found->needs_data) {
    g2d::print(stderr, "error: --data: expected {}, got nothing\n", found->layout);
    return 2;
  }
  if (settings.smoke) {
    shrink(settings);
    found->shrink(settings);
  }
  if (settings.confidence == "cross-fitted") settings.cross_fit = true;
  StopOnInterrupt interrupt;
  return run_parsed({app, *found, settings, interrupt});
}
