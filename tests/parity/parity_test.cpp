// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// LibTorch against the Eigen reference: values and gradients of every policy over random shapes, and whole training
// runs, in both precisions, on the CPU and, where there is one, on the accelerator.

#include "support/catch.hpp"

#include <ATen/DeviceAccelerator.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/confidence/order.hpp>
#include <g2d/interop/check_fusion.hpp>
#include <g2d/interop/check_loss.hpp>
#include <g2d/interop/torch_eigen.hpp>
#include <g2d/reference.hpp>

#include "support/check_report.hpp"
#include "support/fusion_cases.hpp"
#include "support/policy_lists.hpp"
#include "support/students.hpp"
#include "support/tolerance.hpp"

namespace {

using namespace g2d_test;
using g2d::OutputKind;
using g2d::check::compare;
using g2d::interop::to_labels;
using g2d::interop::to_matrices;
using g2d::interop::to_matrix;
using g2d::interop::to_tensor;
namespace reference = g2d::reference;

// --- the reference of each policy ---

template <class Reference>
Reference with_weights(Reference made, const g2d::Parameters& parameters) {
  g2d::interop::copy_layers(parameters, made);
  return made;
}

std::vector<reference::Linear> layers(std::size_t count) { return std::vector<reference::Linear>(count); }

reference::fusion::Sum reference_of(const fusion::Sum& sum) {
  return with_weights(reference::fusion::Sum{layers(sum.shape().num_modalities())}, sum.parameters());
}
reference::fusion::Late reference_of(const fusion::Late& late) {
  return with_weights(reference::fusion::Late{layers(late.shape().num_modalities())}, late.parameters());
}
reference::fusion::Concat reference_of(const fusion::Concat& concat) {
  const auto& widths = concat.shape().feature_widths();
  return with_weights(reference::fusion::Concat{{widths.begin(), widths.end()}, {}}, concat.parameters());
}
reference::fusion::Film reference_of(const fusion::Film& film) {
  return with_weights(reference::fusion::Film{{}, {}, film.conditioning()}, film.parameters());
}
reference::fusion::Gated reference_of(const fusion::Gated& gated) {
  return with_weights(reference::fusion::Gated{layers(gated.shape().num_modalities()), {}, gated.conditioning()},
                      gated.parameters());
}

reference::fusion::Cosine reference_of(const fusion::Cosine& cosine) {
  return with_weights(reference::fusion::Cosine{layers(cosine.shape().num_modalities()), cosine.options().scale},
                      cosine.parameters());
}
reference::fusion::SharedHead reference_of(const fusion::SharedHead& shared) {
  const bool by_entropy = shared.options().weighting == fusion::Weighting::Entropy;
  return with_weights(reference::fusion::SharedHead{{}, by_entropy}, shared.parameters());
}
reference::fusion::EnergyWeighted reference_of(const fusion::EnergyWeighted& weighted) {
  return with_weights(reference::fusion::EnergyWeighted{layers(weighted.shape().num_modalities())},
                      weighted.parameters());
}
reference::fusion::Boosted reference_of(const fusion::Boosted& boosted) {
  return with_weights(reference::fusion::Boosted{}, boosted.parameters());
}
reference::fusion::CrossExcitation reference_of(const fusion::CrossExcitation& excited) {
  const auto modalities = excited.shape().num_modalities();
  return with_weights(reference::fusion::CrossExcitation{{}, layers(modalities), layers(modalities)},
                      excited.parameters());
}

reference::distillation::Kl reference_of(const distillation::Kl& kl) { return {kl.options().temperature}; }
reference::distillation::BernoulliKl reference_of(const distillation::BernoulliKl& kl) {
  return {kl.options().temperature};
}
reference::distillation::Cosine reference_of(const distillation::Cosine& /*cosine*/) { return {}; }
reference::distillation::Mse reference_of(const distillation::Mse& mse) { return {mse.options().squared_norm}; }
reference::distillation::None reference_of(const distillation::None& /*none*/) { return {}; }

reference::task::Classification reference_of(const task::Classification& /*task*/) { return {}; }
reference::task::Regression reference_of(const task::Regression& /*task*/) { return {}; }
reference::task::MultiLabel reference_of(const task::MultiLabel& /*task*/) { return {}; }

std::vector<double> numbers(const at::Tensor& tensor) {
  const auto values = tensor.to(torch::kCPU, torch::kDouble).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

at::Tensor tensor_of(const std::vector<double>& values) { return torch::tensor(values, torch::kDouble); }

// --- what is compared, on one device in one precision ---

void compare_fusions(const at::TensorOptions& options) {
  for_each_fusion(options, [&](const auto& fusion, const auto& features, const std::string& description) {
    INFO(description);
    CHECK_REPORT(g2d::interop::check_fusion(fusion, reference_of(fusion), features, tolerance(options)));
  });
}

/// The reference's readout of the same name.
template <class Readout, class Fusion, class ReferenceFusion>
reference::PerModality read(const Readout& readout, const Fusion& /*fusion*/, const ReferenceFusion& fused,
                            const reference::PerModality& features) {
  using std::is_same_v;
  constexpr bool takes_heads = is_same_v<Readout, readout::Auto> && requires { Fusion::averages_heads; };
  if constexpr (is_same_v<Readout, readout::Authors> || takes_heads) {
    return reference::readout::authors(fused, features);
  } else if constexpr (is_same_v<Readout, readout::MaskedForward>) {
    return reference::readout::masked_forward(fused, features);
  } else if constexpr (is_same_v<Readout, readout::OwnHeads>) {
    std::vector<reference::Linear> heads;
    const auto parameters = readout.parameters();
    for (std::size_t m = 0; m < features.size(); ++m) {
      heads.push_back(g2d::interop::to_linear(parameters[2 * m].value, parameters[2 * m + 1].value));
    }
    return reference::readout::own_heads(heads, features);
  } else if constexpr (g2d::fusion::SplitsByModality<Fusion>) {
    return reference::readout::exact_split(fused, features);
  } else {
    return reference::readout::masked_forward(fused, features);
  }
}

void compare_readouts(const at::TensorOptions& options) {
  for_each_fusion(options, [&](const auto& fusion, const auto& features, const std::string& description) {
    INFO(description);
    for_each_readout(fusion, options, [&](const auto& readout) {
      INFO(c10::demangle_type<std::remove_cvref_t<decltype(readout)>>());
      const auto parts = readout.unimodal_logits(fusion, features);
      const auto expected = read(readout, fusion, reference_of(fusion), to_matrices(features));
      REQUIRE(parts.size() == expected.size());
      for (std::size_t m = 0; m < parts.size(); ++m) {
        CHECK_REPORT(
            compare(parts[m], to_tensor(expected[m]), fmt::format("logits of modality {}", m), tolerance(options)));
      }
    });
  });
}

void compare_distillations(const at::TensorOptions& options) {
  for_each_distillation([&](const auto& formula, const std::string& description) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      INFO(description << ", seed " << seed);
      Random random(seed, options);
      const auto rows = random.integer(1, 7);
      const auto columns = random.integer(2, 9);
      const auto student = random.normal({rows, columns});
      const auto teacher = random.normal({rows, columns});
      CHECK_REPORT(g2d::interop::check_loss(formula, reference_of(formula), student, teacher, tolerance(options)));
    }
  });
}

double reference_confidence(OutputKind kind, const at::Tensor& output, const at::Tensor& target) {
  switch (kind) {
    case OutputKind::Classes:
      return reference::confidence::classification(to_matrix(output), to_labels(target));
    case OutputKind::Labels:
      return reference::confidence::multi_label(to_matrix(output), to_matrix(target));
    case OutputKind::Values:
      break;
  }
  return reference::confidence::regression(to_matrix(output), to_matrix(target), 1.0);
}

/// Sample by sample.
at::Tensor reference_confidences(OutputKind kind, const at::Tensor& output, const at::Tensor& target) {
  std::vector<double> confidences;
  for (std::int64_t i = 0; i < output.size(0); ++i) {
    confidences.push_back(reference_confidence(kind, output.narrow(0, i, 1), target.narrow(0, i, 1)));
  }
  return tensor_of(confidences);
}

void compare_tasks(const at::TensorOptions& options) {
  for_each(Tasks(), [&]<class Task>(std::type_identity<Task>) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      INFO(c10::demangle_type<Task>() << ", seed " << seed);
      Random random(seed, options);
      const auto rows = random.integer(1, 7);
      const auto columns = seed == 4 ? 40 : random.integer(1, 9);
      const auto output = random.normal({rows, columns});
      const auto target = random.target(Task::output_kind, rows, columns);
      const Task task;
      const auto loss = [&](const at::Tensor& x, const at::Tensor& y) { return task.loss(x, y); };
      CHECK_REPORT(g2d::interop::check_loss(loss, reference_of(task), output, target, tolerance(options)));
      const auto expected = reference_confidences(Task::output_kind, output, target);
      CHECK_REPORT(compare(task.confidence(output, target), expected, "confidence", tolerance(options)));
    }
  });

  Random random(11, options);
  const auto output = random.normal({6, 4});
  const auto labels = random.labels(6, 4);
  const std::vector<double> weights{0.5, 2.0, 1.0, 3.0};
  for (const double smoothing : {0.0, 0.2}) {
    const task::Classification task({.class_weights = tensor_of(weights), .label_smoothing = smoothing});
    const auto loss = [&](const at::Tensor& x, const at::Tensor& y) { return task.loss(x, y); };
    CHECK_REPORT(g2d::interop::check_loss(loss, reference::task::Classification{weights, smoothing}, output, labels,
                                          tolerance(options)));
  }

  const auto targets = 3.0 + 2.0 * random.normal({6, 2});
  const auto predictions = random.normal({6, 2});
  const double variance = reference::confidence::target_variance(to_matrix(targets));
  const task::Regression regression({.target_variance = variance});
  const auto expected = reference::confidence::regression(to_matrix(predictions), to_matrix(targets), variance);
  CHECK_REPORT(compare(regression.confidence(predictions, targets).mean(),
                       torch::scalar_tensor(expected, torch::kDouble), "rho", tolerance(options)));
}

void compare_coefficients(const at::TensorOptions& options) {
  for (std::int64_t modalities = 1; modalities <= 5; ++modalities) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      INFO(modalities << " modalities, seed " << seed);
      Random random(seed, options);
      const auto scores = random.normal({modalities}).sigmoid();
      const double strength = 0.1 + 0.4 * static_cast<double>(seed);
      const auto ratios = g2d::confidence::ratios(scores);

      const suppression::Partial partial({.strength = strength});
      const auto all = torch::ones_like(scores, torch::kBool);
      CHECK_REPORT(compare(partial.coefficients(all, ratios),
                           tensor_of(reference::schedule::kappa(numbers(scores), strength)), "kappa",
                           tolerance(options)));
      CHECK_REPORT(compare(method::ogm_coefficients(scores, {.strength = strength}),
                           tensor_of(reference::method::ogm_coefficients(numbers(scores), strength)), "OGM",
                           tolerance(options)));
      if (modalities == 2) {
        for (const auto& pair : {scores, torch::full_like(scores, 0.5)}) {
          CHECK_REPORT(compare(method::ogm_coefficients(pair, {.strength = strength, .damps_on_tie = true}),
                               tensor_of(reference::method::ogm_coefficients_of_authors(numbers(pair), strength)),
                               "OGM of its authors", tolerance(options)));
        }
      }

      const auto labels = random.labels(5, 3);
      g2d::PerModality<at::Tensor> unimodal;
      std::vector<at::Tensor> own_scores;
      for (std::int64_t m = 0; m < modalities; ++m) {
        unimodal.push_back(random.normal({5, 3}));
        own_scores.push_back(task::Classification().confidence(unimodal.back(), labels).sum());
      }
      CHECK_REPORT(compare(torch::stack(own_scores),
                           tensor_of(reference::method::ogm_scores(to_matrices(unimodal), to_labels(labels))),
                           "scores of OGM", tolerance(options)));
    }
  }
}

/// kappa of a batch under Batchwise, as its control hook gives it.
std::vector<double> batchwise_kappa(const at::Tensor& confidence) {
  const auto modalities = static_cast<std::size_t>(confidence.size(1));
  method::Prioritization<schedule::Batchwise<>> prioritization;
  g2d::method::Setup setup{
      names(modalities), {}, 3, 1, g2d::TeacherSummary{{}, 3, g2d::PerModality<double>(modalities, 0.5)}};
  prioritization.begin(setup);
  g2d::method::Plan plan{.controls = g2d::method::Controls(modalities)};
  prioritization.plan(0, plan);
  auto& controls = plan.controls;
  const g2d::Batch batch;
  const g2d::TeacherOutputs teachers{{}, {}, confidence};
  prioritization.control_batch({0, 0, batch, &teachers}, controls);
  std::vector<double> kappa;
  for (const auto& control : controls) kappa.push_back(control.gradient_scale.item<double>());
  return kappa;
}

void compare_schedules(const at::TensorOptions& options) {
  for (std::size_t modalities = 1; modalities <= 5; ++modalities) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      INFO(modalities << " modalities, seed " << seed);
      Random random(seed, options);
      const auto width = static_cast<std::int64_t>(modalities);
      auto batch_confidence = random.normal({4, width}).sigmoid();
      if (seed == 3) batch_confidence = torch::full_like(batch_confidence, 0.5);
      CHECK(batchwise_kappa(batch_confidence) == reference::schedule::batchwise(numbers(batch_confidence.sum(0))));

      const auto rho = numbers(random.normal({width}).sigmoid());
      const g2d::PerModality<double> confidence(rho.begin(), rho.end());
      const auto order = g2d::confidence::weak_to_strong(confidence);
      const auto expected_order = reference::schedule::weak_first(rho);
      CHECK(std::vector<std::size_t>(order.begin(), order.end()) == expected_order);

      const auto stage_epochs = random.integers(modalities + 1, 0, 3);
      const auto num_epochs = std::accumulate(stage_epochs.begin(), stage_epochs.end(), std::int64_t{0});
      const schedule::Sequential<> sequential({.stage_epochs = stage_epochs});
      const auto stages = sequential.stages({names(modalities), confidence, num_epochs});
      for (std::int64_t epoch = 0; epoch < num_epochs; ++epoch) {
        const auto active = reference::schedule::active_modalities(
            reference::schedule::stage_of_epoch(epoch, stage_epochs), expected_order);
        for (const auto& stage : stages) {
          if (!stage.contains(epoch)) continue;
          for (std::size_t m = 0; m < modalities; ++m) {
            CHECK(stage.suppressed[m] == (std::find(active.begin(), active.end(), m) == active.end()));
          }
        }
      }
    }
  }
}

// --- whole training runs ---

template <class Target>
Target target_of(const at::Tensor& target) {
  if constexpr (std::is_same_v<Target, reference::Labels>) {
    return to_labels(target);
  } else {
    return to_matrix(target);
  }
}

template <class Layers>
void compare_layers(const std::vector<at::Tensor>& parameters, const Layers& expected, double allowed,
                    const std::string& what) {
  std::vector<reference::Linear> copies;
  for (const auto* layer : expected) copies.push_back(*layer);
  const auto matrices = g2d::interop::detail::matrices(copies);
  REQUIRE(parameters.size() == matrices.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    CHECK_REPORT(compare(parameters[i], to_tensor(matrices[i]).view(parameters[i].sizes()),
                         fmt::format("{}: tensor {}", what, i), allowed));
  }
}

/// G2D with stages, momentum and weight decay: terms of every step, and all weights at the end.
template <class Fusion, class Task, class Feature, class Logit>
void compare_training(const at::TensorOptions& options, const Feature& feature, const Logit& logit,
                      std::uint64_t seed) {
  Random random(seed, options);
  torch::manual_seed(seed);
  constexpr std::int64_t rows = 5;
  constexpr std::int64_t steps_per_epoch = 2;
  const std::size_t least = g2d::fusion::min_modalities_v<Fusion>;
  const auto modalities = static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(least), 4));
  const auto inputs = random.integers(modalities, 1, 5);
  const auto widths = random_widths<Fusion>(random, modalities, 0);
  const auto num_outputs = random.integer(2, 5);
  INFO(c10::demangle_type<Fusion>() << ", " << c10::demangle_type<Task>() << ", " << modalities << " modalities, seed "
                                    << seed);

  const Fusion fusion = make_fusion<Fusion>(g2d::FusionShape(names(modalities), widths, num_outputs), 0);
  auto student =
      std::make_shared<g2d::AnyStudent>(g2d::fusion::Any(fusion), tanh_encoders(inputs, widths), readout::Auto());
  student->to(options.device(), c10::typeMetaToScalarType(options.dtype()));
  const auto rho = numbers(random.normal({static_cast<std::int64_t>(modalities)}).sigmoid());
  g2d::TeacherSummary summary;
  for (std::size_t m = 0; m < modalities; ++m) {
    summary.feature_widths.push_back(student->handed_on_width(m));
    summary.confidence.push_back(rho[m]);
  }
  summary.num_outputs = num_outputs;
  const std::vector<std::int64_t> teacher_widths(summary.feature_widths.begin(), summary.feature_widths.end());
  const std::vector<std::int64_t> stage_epochs(modalities + 1, 1);
  const auto num_epochs = static_cast<std::int64_t>(modalities) + 1;

  using ReferenceTask = decltype(reference_of(Task()));
  using ReferenceFeature = decltype(reference_of(feature));
  using ReferenceLogit = decltype(reference_of(logit));
  using ReferenceMethod = reference::method::G2d<ReferenceTask, ReferenceFeature, ReferenceLogit>;
  using ReferenceFusion = decltype(reference_of(fusion));
  std::vector<reference::encoder::LinearTanh> encoders;
  for (std::size_t m = 0; m < modalities; ++m) {
    const auto parameters = student->encoder(m).module()->parameters();
    encoders.push_back({g2d::interop::to_linear(parameters[0], parameters[1])});
  }
  reference::train::Step<ReferenceFusion, ReferenceMethod> expected(
      {encoders, reference_of(fusion)}, {{}, reference_of(feature), reference_of(logit), 0.7, 1.3}, {0.1, 0.9, 0.01});

  const schedule::Sequential<> sequential({.stage_epochs = stage_epochs});
  const method::G2d<Task, Feature, Logit> g2d_method({.feature_weight = 0.7, .logit_weight = 1.3}, Task(), feature,
                                                     logit, sequential);
  AnyStep step(*student, g2d_method,
               {.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01},
                .num_epochs = num_epochs},
               summary);

  const double allowed = tolerance(options);
  for (std::int64_t epoch = 0; epoch < num_epochs; ++epoch) {
    step.begin_epoch(epoch);
    const auto stage = reference::schedule::stage_of_epoch(epoch, stage_epochs);
    const auto active = reference::schedule::active_modalities(stage, reference::schedule::weak_first(rho));
    for (std::int64_t i = 0; i < steps_per_epoch; ++i) {
      const auto batch = random.batch(Task::output_kind, rows, inputs, num_outputs);
      const auto teachers = random.teachers(rows, teacher_widths, num_outputs);
      reference::train::Batch<typename ReferenceTask::Target> reference_batch{
          {},
          target_of<typename ReferenceTask::Target>(batch.target),
          {to_matrices(teachers.features), to_matrices(teachers.logits)}};
      for (const auto& input : batch.inputs) reference_batch.inputs.push_back(to_matrix(input.values));

      const auto terms = expected.run(reference_batch, active);
      const auto result = step(batch, &teachers);
      std::vector<double> in_order{terms.task};
      for (std::size_t m = 0; m < modalities; ++m) {
        in_order.push_back(terms.feature[m]);
        in_order.push_back(terms.logit[m]);
      }
      REQUIRE(result.terms.size() == in_order.size());
      for (std::size_t k = 0; k < in_order.size(); ++k) {
        CHECK_REPORT(compare(result.terms[k].value, torch::scalar_tensor(in_order[k], torch::kDouble),
                             std::string(result.terms[k].name), allowed));
      }
      CHECK_REPORT(compare(result.total, torch::scalar_tensor(terms.total, torch::kDouble), "total", allowed));
    }
  }

  auto trained = expected.student();
  for (std::size_t m = 0; m < modalities; ++m) {
    compare_layers(student->encoder(m).module()->parameters(),
                   std::vector<const reference::Linear*>{&trained.encoders[m].layer}, allowed,
                   fmt::format("encoder {}", m));
  }
  std::vector<at::Tensor> head;
  for (const auto& parameter : fusion.parameters()) head.push_back(parameter.value);
  compare_layers(head, trained.head.layers(), allowed, "layer of the fusion");
}

void compare_training_runs(const at::TensorOptions& options) {
  std::uint64_t seed = 0;
  for_each(Fusions(), [&]<class Fusion>(std::type_identity<Fusion>) {
    compare_training<Fusion, task::Classification>(options, distillation::Mse(), distillation::Kl({.temperature = 2.0}),
                                                   ++seed);
    compare_training<Fusion, task::Regression>(options, distillation::Cosine(), distillation::Mse(), ++seed);
    compare_training<Fusion, task::MultiLabel>(options, distillation::Mse(), distillation::BernoulliKl(), ++seed);
  });
}

void compare_everything(at::Device device) {
  for (const auto& options : precisions(device)) {
    INFO(device.str() << ", " << options.dtype().name());
    compare_fusions(options);
    compare_readouts(options);
    compare_distillations(options);
    compare_tasks(options);
    compare_coefficients(options);
    compare_schedules(options);
    compare_training_runs(options);
  }
}

void on_cpu(void (*compare_all)(const at::TensorOptions&)) {
  for (const auto& options : precisions(torch::kCPU)) {
    INFO(options.dtype().name());
    compare_all(options);
  }
}

}  // namespace

TEST_CASE("parity: fusions agree with Eigen, values and gradients", "[parity][fusion]") { on_cpu(compare_fusions); }
TEST_CASE("parity: readouts agree with Eigen", "[parity][readout]") { on_cpu(compare_readouts); }
TEST_CASE("parity: distillation agrees with Eigen, values and gradients", "[parity][distillation]") {
  on_cpu(compare_distillations);
}
TEST_CASE("parity: tasks agree with Eigen, values, gradients and rho", "[parity][task]") { on_cpu(compare_tasks); }
TEST_CASE("parity: kappa and OGM agree with Eigen", "[parity][suppression]") { on_cpu(compare_coefficients); }
TEST_CASE("parity: schedules agree with Eigen", "[parity][schedule]") { on_cpu(compare_schedules); }
TEST_CASE("parity: whole training runs agree with Eigen", "[parity][step]") { on_cpu(compare_training_runs); }

TEST_CASE("parity: the accelerator agrees with Eigen", "[parity][device]") {
  compare_everything(at::accelerator::getAccelerator(/*checked=*/true).value());
}

TEST_CASE("interop: a wrong value, gradient or parameter gradient is found, and where", "[parity][interop]") {
  Random random(1);
  const auto student = random.normal({4, 5});
  const auto teacher = random.normal({4, 5});
  const auto value =
      g2d::interop::check_loss(distillation::Kl(), reference::distillation::Kl{1.1}, student, teacher, 1e-9);
  CHECK_FALSE(value.passed());

  struct WrongGradient : reference::distillation::Mse {
    [[nodiscard]] reference::Matrix gradient(const reference::Matrix& s, const reference::Matrix& t) const {
      reference::Matrix wrong = Mse::gradient(s, t);
      wrong(2, 3) += 0.5;
      return wrong;
    }
  };
  const auto gradient = g2d::interop::check_loss(distillation::Mse(), WrongGradient(), student, teacher, 1e-9);
  CHECK_FALSE(gradient.passed());
  CHECK(gradient.where == "gradient at [2, 3]");

  const fusion::Sum sum(g2d::FusionShape(names(2), {3, 2}, 4));
  move(sum.parameters(), torch::kDouble);
  const auto features = random.matrices(4, {3, 2});
  struct WrongLayer : reference::fusion::Sum {
    [[nodiscard]] reference::fusion::Gradient backward(const reference::PerModality& x,
                                                       const reference::fusion::OutputGradient& g) const {
      auto wrong = Sum::backward(x, g);
      wrong.layers[1].bias(2) += 0.5;
      return wrong;
    }
  };
  const auto layer = g2d::interop::check_fusion(sum, WrongLayer{{layers(2)}}, features, 1e-9);
  CHECK_FALSE(layer.passed());
  CHECK(layer.where == "gradient of image.bias at [2]");
  for (const auto& parameter : sum.parameters()) CHECK_FALSE(parameter.value.grad().defined());
}

TEST_CASE("interop: tensors survive the way to Eigen and back", "[parity][interop]") {
  Random random(2);
  const auto matrix = random.normal({3, 4});
  CHECK(torch::equal(to_tensor(to_matrix(matrix)), matrix));
  CHECK(torch::equal(to_tensor(to_matrix(matrix.t())), matrix.t()));
  CHECK(to_matrix(matrix)(1, 2) == matrix[1][2].item<double>());
  CHECK(to_matrix(matrix[0]).rows() == 1);
  CHECK(to_matrix(torch::tensor(2.5F))(0, 0) == 2.5);
  CHECK(to_labels(torch::tensor({3, 0, 2})) == reference::Labels{3, 0, 2});
  CHECK(to_matrices(g2d::PerModality<at::Tensor>{matrix, matrix}).size() == 2);
}
