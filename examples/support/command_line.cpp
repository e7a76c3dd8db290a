// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include <g2d/core/nearest_name.hpp>
#include <g2d/core/print.hpp>
#include <g2d/distillation/any.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/readout/any.hpp>

#include "encoders.hpp"
#include "methods.hpp"

namespace {

template <class Choices>
[[nodiscard]] CLI::IsMember one_of(const Choices& choices, std::vector<std::string> before = {}) {
  before.insert(before.end(), choices.begin(), choices.end());
  return CLI::IsMember(std::move(before));
}

/// Counts of more than this are slips, and their sums and products would not fit.
constexpr std::uint64_t largest_count = std::numeric_limits<std::int32_t>::max();

[[nodiscard]] CLI::Validator whole_number(std::uint64_t least, std::uint64_t most = largest_count) {
  const auto check = [least, most](const std::string& text) {
    std::uint64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    const bool is_number = result.ptr == end && result.ec == std::errc() && number >= least;
    if (is_number && number <= most) return std::string();
    const bool is_large = result.ptr == end && (is_number || result.ec == std::errc::result_out_of_range);
    return is_large ? fmt::format("expected a whole number of at most {}, got {}", most, text)
                    : fmt::format("expected a whole number of at least {}, got {}", least, text);
  };
  return {check, least > 0 ? "POSITIVE" : "NONNEGATIVE"};
}

/// A number from 0 to 1; no NaN, which CLI::Range lets pass.
[[nodiscard]] CLI::Validator share() {
  const auto check = [](const std::string& text) {
    double number = 0.0;
    const bool is_share = CLI::detail::lexical_cast(text, number) && number >= 0.0 && number <= 1.0;
    return is_share ? std::string() : fmt::format("expected a number in range 0 to 1, got {}", text);
  };
  return {check, "SHARE"};
}

/// Options of one group, each with its default in the help.
struct Group {
  CLI::App& app;
  std::string name;

  template <class Value>
  CLI::Option* add(const std::string& option, Value& value, const std::string& text = "") const {
    auto* added = app.add_option(option, value, text)->group(name)->capture_default_str();
    // CLI11 prints six digits, and a run from --print-config would differ from the one that it stands for.
    if constexpr (std::is_floating_point_v<Value>) added->default_str(fmt::format("{}", value));
    return added;
  }
  void run_only(const std::string& option, bool& value, const std::string& text) const {
    flag(option, value, text)->configurable(false);
  }
  CLI::Option* flag(const std::string& option, bool& value, const std::string& text) const {
    return app.add_flag(option, value, text)->group(name);
  }
};

void add_data_options(const Group& group, Settings& settings) {
  group.add("--data", settings.data, "folder or file of the dataset");
  group
      .add("--loading", settings.loading,
           "keep all samples in memory, or stream them from disk in every epoch; samples that are augmented at random "
           "are always streamed")
      ->check(CLI::IsMember({"memory", "stream"}));
  group.add("--workers", settings.workers, "threads that read; 0: the training thread reads")->check(whole_number(0));
  group
      .add("--unreadable-samples", settings.unreadable_samples,
           "of datasets on disk: refuse samples whose files cannot be read, or read all samples once beforehand and "
           "drop "
           "those, with a warning")
      ->check(CLI::IsMember({"refuse", "drop"}));
  group.add("--augment", settings.augments, "random crops and flips, where the recipe has any: true or false");
}

void add_method_options(const Group& group, Settings& settings) {
  group.add("--methods", settings.methods, "which to train")->check(one_of(method_choices));
  group.add("--encoders", settings.encoders, "one for all modalities, or one for each")->check(one_of(encoder_choices));
  group.add("--shared-encoder", settings.shared_encoder, "modalities that one encoder serves");
  group.add("--feature-width", settings.feature_width, "of all encoders' features; 0: each encoder's own")
      ->check(whole_number(0));
  group.add("--fusion", settings.fusion)->check(one_of(g2d::fusion::choices));
  group.add("--readout", settings.readout, "what the student's modalities say alone")
      ->check(one_of(g2d::readout::choices));
  group.add("--feature-distillation", settings.feature_distillation)->check(one_of(g2d::distillation::choices));
  group
      .add("--logit-distillation", settings.logit_distillation,
           "auto: kl for classes, bernoulli-kl for labels, mse for values")
      ->check(one_of(g2d::distillation::choices, {"auto"}));
  group.add("--feature-weight", settings.feature_weight, "alpha");
  group.add("--logit-weight", settings.logit_weight, "beta");
  group.add("--temperature", settings.temperature, "tau");
  group.add("--suppression", settings.suppression)->check(CLI::IsMember({"complete", "partial", "zeroed"}));
  group.add("--order", settings.order)->check(CLI::IsMember({"weak-first", "strong-first", "random", "declared"}));
  group.add("--confidence", settings.confidence, "where rho is measured")
      ->check(CLI::IsMember({"training", "held-out", "cross-fitted"}));
  group.flag("--cross-fit", settings.cross_fit, "measure the cross-fitted rho too (trains the teachers twice more)");
  group
      .add("--stage-epochs", settings.stage_epochs,
           "one for each modality alone, one for all; default: by --alone-share")
      ->check(whole_number(0));
  group
      .add("--alone-share", settings.alone_share,
           "share of the epochs in which each modality learns alone; 0: equal stages")
      ->check(share());
  group.flag("--restart-learning-rate", settings.restart_learning_rate,
             "the learning rate's schedule runs anew in each stage");
}

void add_training_options(const Group& group, Settings& settings) {
  group.add("--epochs", settings.epochs, "of every student")->check(whole_number(1));
  group.add("--teacher-epochs", settings.teacher_epochs, "0: as --epochs")->check(whole_number(0));
  group.add("--teachers", settings.teachers, "folder of an earlier run, whose teachers are loaded instead of trained");
  group
      .add("--teacher-storage", settings.teacher_storage,
           "what the teachers' outputs are kept in; float16 halves the memory")
      ->check(CLI::IsMember({"float32", "float16"}));
  group.add("--batch-size", settings.batch_size)->check(whole_number(1));
  group.add("--optimizer", settings.optimizer)->check(CLI::IsMember({"sgd", "adam", "adamw"}));
  group.add("--learning-rate", settings.learning_rate);
  group.add("--momentum", settings.momentum);
  group.add("--weight-decay", settings.weight_decay);
  group.add("--drop-after", settings.drop_after, "share of the run after which the learning rate is a tenth")
      ->check(share());
  group.add("--selection", settings.selection)->check(CLI::IsMember({"best-validation", "last"}));
  group.add("--seeds", settings.seeds, "one run of everything for each")
      ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
}

void add_run_options(const Group& group, Settings& settings) {
  group.add("--precision", settings.precision, "arithmetic of the encoders")
      ->check(CLI::IsMember({"float32", "bfloat16", "float16"}));
  group
      .add("--threads", settings.threads,
           "of the program, those that read while it trains included; 0: as many as LibTorch takes")
      ->check(whole_number(0));
  group.add("--device", settings.device, "cpu, cuda, cuda:1, ...");
  group.add("--out", settings.out, "folder for results.csv, results.json and the weights of teachers and students");
  group.run_only("--dry-run", settings.dry_run, "read and check everything, say what would be trained, and stop");
  group.run_only(
      "--inspect", settings.inspect,
      "look at the data instead of training: counts, shapes, ranges, classes, unreadable samples, a picture");
  group.run_only("--smoke", settings.smoke, "a few seconds of everything, to see that it runs");
}

[[nodiscard]] std::string nearest_option(const CLI::App& app, const std::string& given) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return g2d::nearest_name(given.substr(0, given.find('=')), names);
}

[[nodiscard]] std::string quoted(const std::string& value) {
  return value.find_first_of(" ,[") == std::string::npos ? value : fmt::format("\"{}\"", value);
}

}  // namespace

void add_options(CLI::App& app, Settings& settings) {
  add_data_options({app, "Data"}, settings);
  add_method_options({app, "Method"}, settings);
  add_training_options({app, "Training"}, settings);
  add_run_options({app, "Run"}, settings);
  app.set_config("--config", "", "file of option = value lines, as --print-config prints them; the command line wins")
      ->group("Run");
  app.allow_config_extras(CLI::config_extras_mode::capture);  // They join the unknown options of the command line.
  app.add_flag("--print-config")
      ->description("print all options with their values, as a file for --config, and stop")
      ->group("Run")
      ->configurable(false);
}

std::string config_text(const CLI::App& app) {
  std::string text;
  for (const auto* option : app.get_options([](const CLI::Option* each) { return each->get_configurable(); })) {
    std::string value;
    for (const auto& part : option->results()) value += (value.empty() ? "" : " ") + quoted(part);
    if (option->count() == 0) value = option->get_default_str();
    if (option->get_expected_max() == 0) value = option->count() > 0 && option->as<bool>() ? "true" : "false";
    if (!value.empty()) text += fmt::format("{}={}\n", option->get_single_name(), value);
  }
  return text;
}

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    const auto extras = app.remaining();
    const auto option =
        std::find_if(extras.begin(), extras.end(), [](const auto& extra) { return extra.starts_with("-"); });
    const auto& unknown = option == extras.end() ? extras.front() : *option;
    g2d::print(stderr, "error: {}: no such option; did you mean {}?\n", unknown, nearest_option(app, unknown));
    return 2;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (app.count("--print-config") > 0) {
    g2d::print("{}", config_text(app));
    return 0;
  }
  return std::nullopt;
}

void shrink(Settings& settings) {
  settings.epochs = 3;
  settings.teacher_epochs = 2;
  settings.stage_epochs.clear();
  settings.batch_size = std::min<std::int64_t>(settings.batch_size, 32);
}
