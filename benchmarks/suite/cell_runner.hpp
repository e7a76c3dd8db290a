// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/single_modality.hpp>
#include <g2d/fusion/cosine.hpp>
#include <g2d/fusion/shared_head.hpp>
#include <g2d/io/weights.hpp>
#include <g2d/teacher/measure_confidence.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/train/cross_fit.hpp>
#include <g2d/train/ensemble.hpp>
#include <g2d/train/evaluate.hpp>
#include <g2d/train/train_teacher.hpp>
#include <g2d/train/trainer.hpp>

#include "cell_analysis.hpp"
#include "cell_history.hpp"
#include "cell_spec.hpp"
#include "machine.hpp"
#include "method_entry.hpp"
#include "method_makers.hpp"
#include "support/encoders.hpp"
#include "support/experiment.hpp"
#include "support/results.hpp"

/// One cell: the teachers of a seed, or one student. `run` gives the line that the driver keeps.
template <class Task>
class CellRunner {
 public:
  CellRunner(const CellSpec& spec, CellSettings settings, const OpenedDataset& dataset, Task task)
      : spec_(spec),
        own_(std::move(settings.own)),
        settings_(std::move(settings.settings)),
        dataset_(dataset),
        task_(std::move(task)),
        device_(settings_.device),
        encoders_(settings_, names(), sample_shapes(dataset.splits.train)) {
    settings_.complete_distillation(Task::output_kind);
  }

  [[nodiscard]] nlohmann::json teach() {
    auto out = head();
    nlohmann::json kept;
    std::vector<g2d::Teacher> teachers;
    std::filesystem::create_directories(spec_.teachers);
    for (std::size_t m = 0; m < names().size(); ++m) {
      auto trained = g2d::train_teacher(new_model(m), splits().train, splits().validation, m, task_,
                                        trainer_options(settings_, settings_.epochs, spec_.seed, "", {}));
      g2d::io::save_weights(*trained.model, weights_of_teacher(m));
      const auto test = g2d::evaluate(*trained.model, g2d::data::SingleModality(splits().test, m), task_);
      out["unimodal"][names()[m]] = to_json(test.fused);
      out["validation"][names()[m]] = to_json(trained.validation.fused);
      out["cost"]["seconds_by_modality"][names()[m]] = trained.history.seconds;
      kept["seconds"][names()[m]] = trained.history.seconds;
      teachers.push_back(trained.teacher);
    }
    const g2d::Teachers all(names(), std::move(teachers));
    const auto cache = precomputed(all);
    kept["rho"]["training"] = cache ? cache->confidence() : g2d::measure_confidence(all, splits().train, task_);
    kept["rho"]["held-out"] = g2d::measure_confidence(all, splits().validation, task_);
    if (cache) kept["seconds_precomputing"] = cache->seconds();
    kept["epochs"] = settings_.epochs;
    out["rho"] = kept["rho"];
    out["cost"]["seconds"] = seconds_since(begin_);
    out["cost"]["peak_rss_bytes"] = peak_resident_bytes();
    write_file(teachers_file(), kept.dump(1) + "\n");
    return out;
  }

  [[nodiscard]] nlohmann::json train(const MethodEntry& entry) {
    read_teachers();
    const auto own_epochs = settings_.epochs;
    if (spec_.given.value("budget", "equal") == "total")
      settings_.epochs += teachers_json_.at("epochs").get<std::int64_t>();
    if (entry.start == MethodEntry::Start::Ensemble) settings_.epochs = 0;
    settings_.methods = {entry.name};
    settings_.complete_stages(names().size());
    auto out = head();
    const auto student = make_student(entry);
    student->to(device_);
    CellHistory history(names());
    if (settings_.epochs > 0) fit(entry, *student, history, out);
    out["recipe"] = resolved(entry);
    out["recipe"]["own_epochs"] = own_epochs;
    out["metrics"]["validation"] = to_json(g2d::evaluate(*student, splits().validation, task_).fused);
    const auto test = g2d::evaluate(*student, splits().test, task_);
    out["metrics"]["test"] = to_json(test.fused);
    for (std::size_t m = 0; m < names().size(); ++m) out["unimodal"][names()[m]] = to_json(test.unimodal[m]);
    out["history"] = history.lines();
    out["rho"] = rho_;
    out["cost"]["seconds"] = seconds_since(begin_);
    out["cost"]["peak_rss_bytes"] = peak_resident_bytes();
    if (entry.needs_teachers) out["cost"]["teacher_seconds"] = teacher_seconds();
    if (spec_.has_analysis) analyse(out, *student);
    return out;
  }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  [[nodiscard]] const g2d::ModalityNames& names() const { return dataset_.splits.train.names(); }
  [[nodiscard]] const g2d::data::Splits<g2d::data::Any>& splits() const { return dataset_.splits; }
  [[nodiscard]] std::filesystem::path teachers_file() const {
    return std::filesystem::path(spec_.teachers) / "teachers.json";
  }
  [[nodiscard]] std::filesystem::path weights_of_teacher(std::size_t m) const {
    return std::filesystem::path(spec_.teachers) / (names()[m] + ".safetensors");
  }

  [[nodiscard]] nlohmann::json head() const {
    return {{"spec", spec_.given},
            {"versions", versions()},
            {"machine", machine()},
            {"data", dataset_.description},
            {"data_fingerprint", g2d::Fingerprint()
                                     .add(splits().train.fingerprint())
                                     .add(splits().validation.fingerprint())
                                     .add(splits().test.fingerprint())
                                     .str()}};
  }

  /// A modality's first weights depend on the seed and the modality alone.
  [[nodiscard]] std::shared_ptr<g2d::UnimodalModel> new_model(std::size_t m) const {
    constexpr std::uint64_t apart = 1000;
    at::manual_seed(spec_.seed + apart * (m + 1));
    auto model = g2d::make_unimodal_model(names()[m], encoders_.make(m), dataset_.target.num_outputs);
    model->to(device_);
    return model;
  }

  void read_teachers() {
    std::ifstream file(teachers_file());
    teachers_json_ = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
    if (teachers_json_.is_discarded()) {
      throw g2d::DataError(
          fmt::format("suite_cell: {}: expected what a cell of kind teachers has written, got no such file",
                      teachers_file().string()));
    }
    std::vector<g2d::Teacher> teachers;
    for (std::size_t m = 0; m < names().size(); ++m) {
      models_.push_back(new_model(m));
      g2d::io::load_weights(*models_.back(), weights_of_teacher(m));
      teachers.push_back(g2d::Teacher::of(models_.back()));
    }
    teachers_.emplace(names(), std::move(teachers));
    rho_ = teachers_json_.at("rho");
  }

  /// The teachers' outputs, computed once for all students of a seed; nothing where samples are augmented at random.
  [[nodiscard]] std::optional<g2d::TeacherCache> precomputed(const g2d::Teachers& teachers) const {
    if (!splits().train.is_deterministic()) return std::nullopt;
    return g2d::TeacherCache::precompute(teachers, splits().train, task_,
                                         {.file = std::filesystem::path(spec_.teachers) / "outputs.cache"});
  }

  [[nodiscard]] double teacher_seconds() const {
    double seconds = teachers_json_.value("seconds_precomputing", 0.0);
    for (const auto& [name, value] : teachers_json_.at("seconds").items()) seconds += value.template get<double>();
    return seconds;
  }

  [[nodiscard]] const std::string& fusion_of(const MethodEntry& entry) const {
    if (spec_.fusion.empty()) return entry.fusions.front();
    if (std::find(entry.fusions.begin(), entry.fusions.end(), spec_.fusion) == entry.fusions.end()) {
      throw g2d::ConfigError(fmt::format("suite_cell: {}: expected one of the fusions that it admits ({}), got {}",
                                         entry.name, fmt::join(entry.fusions, ", "), spec_.fusion));
    }
    return spec_.fusion;
  }

  /// One seed, one set of first weights: the methods differ in nothing else.
  [[nodiscard]] std::shared_ptr<g2d::AnyStudent> make_student(const MethodEntry& entry) const {
    at::manual_seed(spec_.seed);
    const auto make_encoder = [&](std::size_t m) { return encoders_.make(m); };
    if (entry.start == MethodEntry::Start::Ensemble) return g2d::make_ensemble(models_, make_encoder);
    if (entry.start == MethodEntry::Start::FrozenTeachers) {
      const auto shape = g2d::fusion_shape(models_);
      return g2d::make_student_of_teachers(models_, make_encoder, make_fusion(entry, shape),
                                           g2d::readout::make(entry.readout, shape));
    }
    auto encoders = encoders_.make_all();
    std::vector<std::int64_t> widths;
    for (const auto& encoder : encoders) widths.push_back(encoder.feature_width());
    const g2d::FusionShape shape(names(), widths, dataset_.target.num_outputs);
    return std::make_shared<g2d::AnyStudent>(make_fusion(entry, shape), std::move(encoders),
                                             g2d::readout::make(entry.readout, shape));
  }

  [[nodiscard]] g2d::fusion::Any make_fusion(const MethodEntry& entry, const g2d::FusionShape& shape) const {
    const auto& name = fusion_of(entry);
    if (name == "cosine") return g2d::fusion::Cosine(shape, {.scale = own_.get("scale", 10.0)});
    if (name == "shared-head" && dataset_.target.kind == g2d::OutputKind::Values) {
      return g2d::fusion::SharedHead(shape, {.weighting = g2d::fusion::Weighting::Mean});
    }
    return g2d::fusion::make(name, shape);
  }

  /// rho as the settings say where it is measured.
  [[nodiscard]] g2d::PerModality<double> confidence() {
    if (settings_.confidence == "cross-fitted") {
      at::manual_seed(spec_.seed);
      const auto make = [&](std::size_t m) {
        auto encoder = encoders_.make(m);
        encoder.module()->to(device_);
        return encoder;
      };
      const auto epochs = teachers_json_.at("epochs").get<std::int64_t>();
      rho_["cross-fitted"] = g2d::cross_fitted_confidence(make, splits().train, task_, dataset_.target.num_outputs,
                                                          trainer_options(settings_, epochs, spec_.seed, "", {}));
    }
    const auto values = rho_.at(settings_.confidence).template get<std::vector<double>>();
    return {values.begin(), values.end()};
  }

  void fit(const MethodEntry& entry, g2d::AnyStudent& student, CellHistory& history, nlohmann::json& out) {
    std::optional<g2d::TeacherCache> cache;
    std::optional<g2d::TeacherSource> source;
    double trial_seconds = 0.0;
    if (entry.needs_teachers) {
      const auto begin = Clock::now();
      const auto rho = confidence();
      cache = precomputed(*teachers_);
      source = cache ? cache->source(rho) : g2d::online(*teachers_, task_, rho);
      trial_seconds += seconds_since(begin);
    }
    auto options = trainer_options(settings_, settings_.epochs, spec_.seed, "", {});
    std::int64_t samples = 0;
    options.on_epoch.push_back([&](const g2d::EpochReport& report) {
      history.end_epoch(report);
      samples += report.num_samples;
      trial_seconds += report.preparation_seconds;
      if (spec_.has_analysis) align(out, student, report.epoch);
    });
    auto method = make_method<Task>(entry.name, {settings_, own_, task_, student, spec_.seed});
    own_.check_all_known();
    g2d::Trainer trainer(student, std::move(method), task_, options, std::move(source));
    trainer.step().set_observer(history.observer());
    const auto seconds = trainer.fit(splits().train, splits().validation).seconds;
    const auto& work = trainer.step().work();
    out["cost"] = {
        {"fit_seconds", seconds}, {"trial_seconds", trial_seconds}, {"samples", samples}, {"updates", work.updates}};
    for (std::size_t m = 0; m < names().size(); ++m) {
      out["cost"]["forwards"][names()[m]] = work.forwards[m];
      out["cost"]["backwards"][names()[m]] = work.backwards[m];
    }
  }

  /// How like its teacher each encoder sees some validation samples, at about eight points of the run.
  void align(nlohmann::json& out, g2d::AnyStudent& student, std::int64_t epoch) {
    constexpr std::int64_t most = 500;
    const auto period = std::max<std::int64_t>(1, settings_.epochs / 8);
    if (epoch % period != 0 && epoch != settings_.epochs - 1) return;
    const auto some = first_of(splits().validation, most);
    if (!taught_) taught_ = g2d::analysis::collect_features(*teachers_, some);
    const auto alignment = g2d::analysis::alignment(g2d::analysis::collect_features(student, some), *taught_);
    for (std::size_t m = 0; m < names().size(); ++m)
      out["alignment"][names()[m]].push_back(to_json(alignment[m], epoch));
  }

  void analyse(nlohmann::json& out, g2d::AnyStudent& student) {
    const auto begin = Clock::now();
    out["probe"] = probe_encoders(student, splits(), task_);
    add_subsets(out, student, splits().test, task_);
    out["noise"] = noise_robustness(student, splits().test, task_, spec_.seed);
    out["pca"] = planes(student, *teachers_, splits().test);
    out["cost"]["analysis_seconds"] = seconds_since(begin);
  }

  [[nodiscard]] nlohmann::json resolved(const MethodEntry& entry) const {
    return {{"method", entry.name},
            {"fusion", entry.start == MethodEntry::Start::Ensemble ? "late" : fusion_of(entry)},
            {"readout", entry.readout},
            {"encoders", encoder_names()},
            {"feature_width", settings_.feature_width},
            {"epochs", settings_.epochs},
            {"batch_size", settings_.batch_size},
            {"optimizer", settings_.optimizer},
            {"learning_rate", settings_.learning_rate},
            {"momentum", settings_.momentum},
            {"weight_decay", settings_.weight_decay},
            {"drop_after", settings_.drop_after},
            {"selection", settings_.selection},
            {"precision", settings_.precision},
            {"feature_distillation", settings_.feature_distillation},
            {"logit_distillation", settings_.logit_distillation},
            {"feature_weight", settings_.feature_weight},
            {"logit_weight", settings_.logit_weight},
            {"temperature", settings_.temperature},
            {"suppression", settings_.suppression},
            {"order", settings_.order},
            {"confidence", settings_.confidence},
            {"stage_epochs", settings_.stage_epochs},
            {"restart_learning_rate", settings_.restart_learning_rate},
            {"own", own_.resolved()}};
  }

  [[nodiscard]] std::vector<std::string> encoder_names() const {
    std::vector<std::string> all;
    for (std::size_t m = 0; m < names().size(); ++m) all.push_back(encoders_.choice(m));
    return all;
  }

  Clock::time_point begin_ = Clock::now();
  const CellSpec& spec_;
  MethodSettings own_;
  Settings settings_;
  const OpenedDataset& dataset_;
  Task task_;
  at::Device device_;
  EncoderFactory encoders_;
  nlohmann::json teachers_json_;
  nlohmann::json rho_;
  std::vector<std::shared_ptr<g2d::UnimodalModel>> models_;
  std::optional<g2d::Teachers> teachers_;
  std::optional<g2d::analysis::Features> taught_;
};
