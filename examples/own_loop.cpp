// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// G2D without the trainer, in two hand-written loops on one made-up problem:
//   level 1  policies and pure functions: g2d only computes the loss terms, everything else is plain LibTorch;
//   level 2  Step: one call a batch does forward, loss, suppression, backward and update.
//
//   own_loop [--smoke]
//
// Prints the last loss of the first loop, and of each epoch of the second, with its training accuracy at the end.

#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <fmt/format.h>

#include <memory>
#include <string_view>

#include <g2d/data/batch_order.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/evaluate.hpp>
#include <g2d/train/step.hpp>
#include <g2d/train/student.hpp>

namespace {

using g2d::encoder::Mlp;

constexpr std::int64_t num_classes = 4;
constexpr std::int64_t feature_width = 16;

// A strong modality and a weak one: the same class centres, seen through little and through much noise.
g2d::data::InMemory make_data(std::int64_t samples) {
  const auto labels = torch::randint(num_classes, {samples}, torch::kLong);
  const auto seen = [&](std::int64_t width, double noise) {
    return torch::randn({num_classes, width}).index_select(0, labels) + noise * torch::randn({samples, width});
  };
  const auto sound = seen(12, 0.5);
  const auto picture = seen(20, 2.0);
  return {{"audio", "image"}, {sound, picture}, labels};
}

// What frozen teachers would have said. Here they are made up; see train_audio_visual.cpp for trained ones.
g2d::TeacherOutputs ask_teachers(const g2d::Batch& batch) {
  const auto right = torch::one_hot(batch.target, num_classes).to(torch::kFloat);
  const auto rows = batch.size();
  return {{torch::zeros({rows, feature_width}), torch::zeros({rows, feature_width})}, {4.0 * right, 2.0 * right}, {}};
}

std::shared_ptr<Mlp> make_encoder(std::int64_t in_features) {
  return std::make_shared<Mlp>(
      g2d::encoder::MlpOptions{.in_features = in_features, .hidden = {32}, .feature_width = feature_width});
}

void level_1(const g2d::data::InMemory& data, std::int64_t epochs) {
  const auto audio = make_encoder(12);
  const auto image = make_encoder(20);
  const g2d::fusion::Late fusion(g2d::FusionShape({"audio", "image"}, {feature_width, feature_width}, num_classes));
  const g2d::task::Classification task;
  const g2d::distillation::Kl logit_distillation({.temperature = 2.0});

  std::vector<torch::Tensor> parameters;
  for (const auto& module : {audio, image}) {
    for (const auto& parameter : module->parameters()) parameters.push_back(parameter);
  }
  for (const auto& parameter : fusion.parameters()) parameters.push_back(parameter.value);
  torch::optim::SGD optimizer(parameters, torch::optim::SGDOptions(0.05).momentum(0.9));

  double last = 0.0;
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (const auto& rows : g2d::data::shuffled_batches(data.size(), 32, /*seed=*/0, epoch)) {
      const auto batch = data.batch(rows);
      const auto teachers = ask_teachers(batch);
      const g2d::PerModality<torch::Tensor> features{audio->forward(batch.inputs[0].values),
                                                     image->forward(batch.inputs[1].values)};
      const auto logits = fusion.forward(features).logits;
      auto loss = task.loss(logits, batch.target);
      for (const auto& taught : teachers.logits) loss = loss + logit_distillation(logits, taught);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      last = loss.item<double>();
    }
  }
  fmt::print("level 1: loss {:.4f}\n", last);
}

void level_2(const g2d::data::InMemory& data, std::int64_t epochs) {
  using Task = g2d::task::Classification;
  using Student = g2d::Student<g2d::fusion::Late, Mlp, Mlp>;
  using Method = g2d::method::G2d<Task, g2d::distillation::None, g2d::distillation::Kl>;
  Student student({"audio", "image"}, num_classes, make_encoder(12), make_encoder(20));
  const g2d::TeacherSummary teachers{
      .feature_widths = {feature_width, feature_width}, .num_outputs = num_classes, .confidence = {0.9, 0.6}};
  g2d::Step step(student, Method({}, Task(), {}, g2d::distillation::Kl({.temperature = 2.0})),
                 {.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.05}, .num_epochs = epochs}, teachers);

  torch::Tensor last;
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    step.begin_epoch(epoch);
    for (const auto& rows : g2d::data::shuffled_batches(data.size(), 32, /*seed=*/0, epoch)) {
      const auto batch = data.batch(rows);
      const auto taught = ask_teachers(batch);
      last = step(batch, &taught).total;
    }
    const auto* stage = step.method().prioritization().stage();
    fmt::print("level 2: epoch {:2}  stage {:<12} loss {:.4f}\n", epoch, stage->name, last.item<double>());
  }
  const auto evaluation = g2d::evaluate(student, data, Task());
  fmt::print("level 2: accuracy {:.3f} (audio alone {:.3f}, image alone {:.3f})\n", evaluation.fused[0].value,
             evaluation.unimodal[0][0].value, evaluation.unimodal[1][0].value);
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  torch::manual_seed(0);
  const auto data = make_data(smoke ? 128 : 1024);
  const std::int64_t epochs = smoke ? 3 : 9;
  level_1(data, epochs);
  level_2(data, epochs);
}
