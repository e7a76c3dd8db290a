// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// One update of ResNet-18's parameters by g2d's optimizers against torch::optim's, and what memory it moves a second
// beside a plain copy. The gradients are given and stay; g2d is handed the flag that tells a step that must not count,
// as in every step.
//
//   optimizer_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/ops/ones.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/zeros.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <g2d/encoder/resnet18.hpp>
#include <g2d/optimizer/optimizer.hpp>

#include "support/bench_report.hpp"

namespace {

using Tensors = std::vector<at::Tensor>;

/// ResNet-18's parameters with a gradient each; the same at every call.
Tensors make_parameters() {
  at::manual_seed(0);
  auto parameters = g2d::encoder::ResNet18().parameters();
  for (auto& parameter : parameters) parameter.mutable_grad() = at::randn_like(parameter).mul_(1e-3).detach();
  return parameters;
}

void check_equal(const Tensors& ours, const Tensors& theirs, const std::string& name) {
  double difference = 0.0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    difference = std::max(difference, ours[i].detach().sub(theirs[i].detach()).abs().max().item<double>());
  }
  if (!(difference < 1e-4))
    throw std::runtime_error(fmt::format("{}: the parameters differ by {:.2e}", name, difference));
}

/// What an update must move, in numbers for each parameter: SGD reads value, gradient and momentum and writes value and
/// momentum; the Adams read value, gradient and two moments and write value and moments.
constexpr std::int64_t moved_by_sgd = 5, moved_by_adam = 7;

/// Bytes a second of a plain copy that reads and writes so many in all.
double copy_rate(std::int64_t bytes, const BenchOptions& options) {
  const auto from = at::ones({bytes / 2}, at::kByte), to = at::zeros({bytes / 2}, at::kByte);
  std::vector<double> seconds;
  for (std::int64_t i = 0; i < options.pairs(21); ++i) seconds.push_back(seconds_of([&] { to.copy_(from); }, 1));
  return static_cast<double>(bytes) / quantile(seconds, 0.5);
}

struct Case {
  std::string name;
  g2d::optimizer::Settings settings;
  std::int64_t moved;  ///< Numbers for each parameter.
  std::optional<Aim> aim = {};
};

template <class Theirs, class TheirOptions>
void compare(BenchReport& report, const BenchOptions& options, const Case& which, const TheirOptions& their_options) {
  const auto our_parameters = make_parameters(), their_parameters = make_parameters();
  const std::vector<g2d::ParameterGroup> groups{
      {"encoder", g2d::ParameterGroup::Role::Encoder, {0}, our_parameters, 1.0}};
  g2d::optimizer::Optimizer ours(which.settings, groups);
  Theirs theirs(their_parameters, their_options);
  const auto found_inf = at::zeros({});
  const auto timing =
      time_pairs([&] { ours.update(found_inf); }, [&] { theirs.step(); }, options.pairs(41), options.is_smoke ? 1 : 3);
  check_equal(our_parameters, their_parameters, which.name);
  report.add_speedup(which.name, "g2d", "torch::optim", timing, which.aim);
  std::int64_t bytes = 0;
  for (const auto& parameter : our_parameters) bytes += which.moved * static_cast<std::int64_t>(parameter.nbytes());
  report.add_value(which.name + ": memory moved", static_cast<double>(bytes) / timing.median_a / 1e9, "GB/s");
  report.add_value(which.name + ": the same by a plain copy", copy_rate(bytes, options) / 1e9, "GB/s");
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("optimizer", options);
  compare<torch::optim::SGD>(report, options,
                             {"SGD, momentum, weight decay", g2d::optimizer::Sgd{}, moved_by_sgd, at_least(1.7)},
                             torch::optim::SGDOptions(1e-3).momentum(0.9).weight_decay(1e-4));
  compare<torch::optim::Adam>(report, options, {"Adam", g2d::optimizer::Adam{}, moved_by_adam, at_least(4.0)},
                              torch::optim::AdamOptions(1e-3));
  compare<torch::optim::AdamW>(report, options, {"AdamW", g2d::optimizer::AdamW{}, moved_by_adam},
                               torch::optim::AdamWOptions(1e-3));
}
