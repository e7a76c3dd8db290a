// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Runs every golden case of the paper's equations through the reference: confidence, order, stages, and each whole
// step.

#include <g2d/reference.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"
#include "support/paper_case.hpp"

using namespace g2d::reference;
using g2d_test::PaperCase;

namespace {

Matrix to_matrix(const g2d_test::Table& table) {
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<const RowMajor>(table.values.data(), static_cast<Eigen::Index>(table.rows),
                                    static_cast<Eigen::Index>(table.columns));
}

PerModality to_matrices(const std::vector<g2d_test::Table>& tables) {
  PerModality matrices;
  for (const auto& table : tables) matrices.push_back(to_matrix(table));
  return matrices;
}

std::vector<Linear> to_layers(const std::vector<g2d_test::PaperLayer>& layers) {
  std::vector<Linear> result;
  for (const auto& [weight, bias] : layers) {
    result.push_back(
        {to_matrix(weight), Eigen::Map<const RowVector>(bias.data(), static_cast<Eigen::Index>(bias.size()))});
  }
  return result;
}

fusion::Any make_fusion(const std::string& name, const std::vector<Linear>& encoders,
                        const std::vector<Linear>& heads) {
  if (name == "late") return {fusion::Late{heads}};
  if (name == "sum") return {fusion::Sum{heads}};
  if (name == "concat") {
    std::vector<Eigen::Index> widths;
    for (const Linear& encoder : encoders) widths.push_back(encoder.weight.rows());
    return {fusion::Concat{widths, heads.at(0)}};
  }
  throw std::runtime_error("unknown fusion " + name);
}

distillation::Any make_distillation(const std::string& name, double temperature, bool is_multi_label) {
  if (name == "kl" && is_multi_label) return {distillation::BernoulliKl{temperature}};
  if (name == "kl") return {distillation::Kl{temperature}};
  if (name == "mse") return {distillation::Mse{}};
  if (name == "cosine") return {distillation::Cosine{}};
  if (name == "none") return {distillation::None{}};
  throw std::runtime_error("unknown distillation " + name);
}

/// Relative 1e-9, absolute 1e-12 at 0.
bool agrees(double actual, double expected) {
  return std::abs(actual - expected) <= std::max(1e-9 * std::abs(expected), 1e-12);
}

/// Absolute 1e-9 in every entry.
void check_layer(const Linear& actual, const Linear& expected) {
  CHECK((actual.weight - expected.weight).cwiseAbs().maxCoeff() <= 1e-9);
  CHECK((actual.bias - expected.bias).cwiseAbs().maxCoeff() <= 1e-9);
}

template <TaskPolicy Task, class Confidence>
void run(const PaperCase& golden, const typename Task::Target& target, Confidence confidence) {
  using Method = method::G2d<Task, distillation::Any, distillation::Any>;
  const bool is_multi_label = std::is_same_v<Task, task::MultiLabel>;
  const Method g2d{Task{}, make_distillation(golden.feature_distillation, golden.temperature, is_multi_label),
                   make_distillation(golden.logit_distillation, golden.temperature, is_multi_label), golden.alpha,
                   golden.beta};
  const train::Batch<typename Task::Target> all{
      to_matrices(golden.inputs), target, {to_matrices(golden.teacher_features), to_matrices(golden.teacher_logits)}};

  std::vector<double> confidences;
  for (std::size_t m = 0; m < golden.num_modalities(); ++m) {
    confidences.push_back(confidence(all.teachers.logits[m]));
    CHECK(agrees(confidences[m], golden.confidence[m]));
  }
  const std::vector<std::size_t> order = schedule::weak_first(confidences);
  CHECK(order == golden.order);
  CHECK(golden.stage_epochs.size() == golden.num_modalities() + 1);

  const std::vector<Linear> encoders = to_layers(golden.before.encoders);
  train::Student<fusion::Any> student{{}, make_fusion(golden.fusion, encoders, to_layers(golden.before.heads))};
  for (const Linear& layer : encoders) student.encoders.push_back({layer});
  train::Step step(student, g2d, {golden.learning_rate, golden.momentum, golden.weight_decay});

  for (std::size_t i = 0; i < golden.steps.size(); ++i) {
    CAPTURE(i);
    const g2d_test::PaperStep& expected = golden.steps[i];
    const auto epoch = static_cast<std::int64_t>(i / golden.batches_per_epoch());
    const std::size_t stage = schedule::stage_of_epoch(epoch, golden.stage_epochs);
    const std::vector<std::size_t> active = schedule::active_modalities(stage, order);
    CHECK(epoch == expected.epoch);
    CHECK(stage == expected.stage);
    CHECK(active == expected.active);

    const std::size_t first = (i % golden.batches_per_epoch()) * golden.batch_size;
    const method::Terms terms = step.run(train::slice(all, first, golden.batch_size), active);
    CHECK(agrees(terms.task, expected.task));
    CHECK(agrees(terms.total, expected.total));
    for (std::size_t m = 0; m < golden.num_modalities(); ++m) {
      CHECK(agrees(terms.feature[m], expected.feature[m]));
      CHECK(agrees(terms.logit[m], expected.logit[m]));
    }
  }

  train::Student<fusion::Any> trained = step.student();
  const std::vector<Linear> encoders_after = to_layers(golden.after.encoders);
  for (std::size_t m = 0; m < encoders_after.size(); ++m) check_layer(trained.encoders[m].layer, encoders_after[m]);
  const std::vector<Linear> heads_after = to_layers(golden.after.heads);
  for (std::size_t i = 0; i < heads_after.size(); ++i) check_layer(*trained.head.layers()[i], heads_after[i]);
}

void run(const PaperCase& golden) {
  if (golden.task == "classification") {
    run<task::Classification>(golden, golden.labels,
                              [&](const Matrix& logits) { return confidence::classification(logits, golden.labels); });
    return;
  }
  const Matrix targets = to_matrix(golden.targets);
  if (golden.task == "regression") {
    const double variance = confidence::target_variance(targets);
    CHECK(agrees(variance, golden.target_variance));
    run<task::Regression>(golden, targets,
                          [&](const Matrix& logits) { return confidence::regression(logits, targets, variance); });
  } else if (golden.task == "multi_label" || golden.task == "multi-label" || golden.task == "multilabel") {
    run<task::MultiLabel>(golden, targets,
                          [&](const Matrix& logits) { return confidence::multi_label(logits, targets); });
  } else {
    throw std::runtime_error("unknown task " + golden.task);
  }
}

}  // namespace

TEST_CASE("paper: every golden case comes out of the reference, schedule included", "[reference][golden][paper]") {
  const auto files = g2d_test::paper_case_files();
  for (const auto& file : files) {
    CAPTURE(file.string());
    run(g2d_test::read_paper_case(file));
  }
  std::cout << "golden cases of the paper through the reference: " << files.size() << '\n';
  CHECK(files.size() >= 12);
}
