// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Checks results against the Eigen reference, which knows nothing of LibTorch: single policies with their gradients,
// then whole training steps, in double precision. Use the same helpers for a policy of your own.
//
//   check_against_eigen [--smoke]
//
// Prints one line a check with the worst element; exits with 1 when one of them fails.

#include <ATen/Context.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scalar_tensor.h>
#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/distillation/kl.hpp>
#include <g2d/distillation/mse.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/fusion/film.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/interop/check_fusion.hpp>
#include <g2d/interop/check_loss.hpp>
#include <g2d/interop/torch_eigen.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/reference.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>
#include <g2d/train/student.hpp>

namespace {

namespace reference = g2d::reference;
constexpr std::int64_t rows = 7, classes = 4, width = 5;
constexpr double tolerance = 1e-9;

bool is_right = true;

void tell(std::string_view what, const g2d::check::Report& report) {
  fmt::print("{:<22} {}  {}\n", what, report.passed() ? "ok    " : "WRONG ", report.message());
  is_right = is_right && report.passed();
}

at::Tensor normal(at::IntArrayRef sizes) { return at::randn(sizes, at::kDouble); }

void check_policies() {
  const auto student = normal({rows, classes});
  const auto teacher = normal({rows, classes});
  tell("distillation::Kl", g2d::interop::check_loss(g2d::distillation::Kl({.temperature = 2.0}),
                                                    reference::distillation::Kl{2.0}, student, teacher, tolerance));
  tell("distillation::Mse",
       g2d::interop::check_loss(g2d::distillation::Mse(), reference::distillation::Mse{}, student, teacher, tolerance));
  const g2d::FusionShape shape({"audio", "image"}, {width, width}, classes);
  const g2d::fusion::Film film(shape);
  for (const auto& parameter : film.parameters()) parameter.value.set_data(normal(parameter.value.sizes()));
  tell("fusion::Film", g2d::interop::check_fusion(
                           film, reference::fusion::Film{},
                           g2d::PerModality<at::Tensor>{normal({rows, width}), normal({rows, width})}, tolerance));
}

using Student = g2d::Student<g2d::fusion::Late, g2d::encoder::Mlp, g2d::encoder::Mlp>;

std::shared_ptr<g2d::encoder::Mlp> make_encoder(std::int64_t in_features) {
  return std::make_shared<g2d::encoder::Mlp>(g2d::encoder::MlpOptions{
      .in_features = in_features, .feature_width = width, .activation = g2d::encoder::Activation::Tanh});
}

/// The same weights on the Eigen side.
reference::train::Student<reference::fusion::Late> mirror(const Student& student) {
  reference::train::Student<reference::fusion::Late> copy;
  for (std::size_t m = 0; m < student.num_modalities(); ++m) {
    const auto parameters = student.encoder(m).module()->parameters();
    copy.encoders.push_back({g2d::interop::to_linear(parameters[0], parameters[1])});
    const auto head = student.fusion().parameters();
    copy.head.heads.push_back(g2d::interop::to_linear(head[2 * m].value, head[2 * m + 1].value));
  }
  return copy;
}

void check_steps(std::int64_t steps) {
  using Task = g2d::task::Classification;
  Student student({"audio", "image"}, classes, make_encoder(3), make_encoder(6));
  student.to(at::kDouble);
  const auto sgd = g2d::optimizer::Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 1e-3};
  const g2d::TeacherSummary summary{.feature_widths = {width, width}, .num_outputs = classes, .confidence = {0.8, 0.3}};
  g2d::Step step(student, g2d::method::G2d<Task>(), {.optimizer = sgd, .num_epochs = 3}, summary);
  using Method = reference::method::G2d<reference::task::Classification, reference::distillation::Mse,
                                        reference::distillation::Kl>;
  reference::train::Step<reference::fusion::Late, Method> eigen(mirror(student), Method{},
                                                                {sgd.learning_rate, sgd.momentum, sgd.weight_decay});

  // Stage by stage: the weak modality alone, the strong one, both.
  const std::vector<std::vector<std::size_t>> active{{1}, {0}, {0, 1}};
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    step.begin_epoch(epoch);
    for (std::int64_t i = 0; i < steps; ++i) {
      const g2d::Batch batch{{normal({rows, 3}), normal({rows, 6})}, at::randint(classes, {rows}, at::kLong), {}, {}};
      const g2d::TeacherOutputs teachers{
          {normal({rows, width}), normal({rows, width})}, {normal({rows, classes}), normal({rows, classes})}, {}};
      const auto result = step(batch, &teachers);
      const auto terms =
          eigen.run({{g2d::interop::to_matrix(batch.inputs[0].values), g2d::interop::to_matrix(batch.inputs[1].values)},
                     g2d::interop::to_labels(batch.target),
                     {g2d::interop::to_matrices(teachers.features), g2d::interop::to_matrices(teachers.logits)}},
                    active[static_cast<std::size_t>(epoch)]);
      if (i + 1 == steps) {
        tell(fmt::format("step {}, total loss", (epoch + 1) * steps),
             g2d::check::compare(result.total, at::scalar_tensor(terms.total, at::kDouble), "total", tolerance));
      }
    }
  }
  const auto& end = eigen.student();
  for (std::size_t m = 0; m < 2; ++m) {
    tell(fmt::format("weights of encoder {}", m),
         g2d::check::compare(student.encoder(m).module()->parameters()[0],
                             g2d::interop::to_tensor(end.encoders[m].layer.weight), "weight", tolerance));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  at::manual_seed(0);
  check_policies();
  check_steps(smoke ? 3 : 50);
  return is_right ? 0 : 1;
}
