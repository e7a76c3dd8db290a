// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// The update, whatever layouts values and gradients have. What it computes, step_test.cpp compares with LibTorch's own
// optimizers.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/parameter_group.hpp>
#include <g2d/optimizer/optimizer.hpp>

#include "support/check_report.hpp"
#include "support/optimizers.hpp"
#include "support/thrown.hpp"

namespace {

using Tensors = std::vector<at::Tensor>;

constexpr auto channels_last = at::MemoryFormat::ChannelsLast;

/// A value and its gradient, each in a layout of its own.
struct Parameter {
  std::string name;
  at::Tensor value;
  at::Tensor gradient;
};

std::vector<Parameter> parameters() {
  torch::manual_seed(0);
  const auto filters = [] { return torch::randn({8, 4, 3, 3}); };
  return {{"contiguous", filters(), filters()},
          {"channels-last", filters().contiguous(channels_last), filters().contiguous(channels_last)},
          {"channels-last, its gradient contiguous", filters().contiguous(channels_last), filters()},
          {"contiguous, its gradient channels-last", filters(), filters().contiguous(channels_last)},
          {"transposed", torch::randn({5, 7}).t(), torch::randn({5, 7}).t()}};
}

std::vector<g2d::ParameterGroup> group_of(const Tensors& tensors) {
  return {{"encoder.audio", g2d::ParameterGroup::Role::Encoder, {0}, tensors, 1.0}};
}

/// Three updates, the second of which must not count.
Tensors updated(const g2d::optimizer::Settings& settings, bool is_contiguous) {
  Tensors values;
  for (auto& parameter : parameters()) {
    values.push_back((is_contiguous ? parameter.value.contiguous() : parameter.value).detach().requires_grad_());
    values.back().mutable_grad() = is_contiguous ? parameter.gradient.contiguous() : parameter.gradient;
  }
  g2d::optimizer::Optimizer optimizer(settings, group_of(values));
  for (const float found_inf : {0.0f, 1.0f, 0.0f}) optimizer.update(torch::full({}, found_inf));
  return values;
}

}  // namespace

TEST_CASE("optimizer::Optimizer: the layouts of values and gradients change nothing", "[optimizer]") {
  for (const auto& [name, settings] : g2d_test::optimizers()) {
    INFO(name);
    const auto given = updated(settings, /*is_contiguous=*/false);
    const auto expected = updated(settings, /*is_contiguous=*/true);
    const auto before = parameters();
    for (std::size_t i = 0; i < given.size(); ++i) {
      INFO(before[i].name);
      CHECK(given[i].strides() == before[i].value.strides());
      CHECK_FALSE(torch::equal(given[i], before[i].value));
      CHECK_REPORT(g2d::check::compare(given[i].detach(), expected[i].detach(), "value", 1e-6));
    }
  }
}

TEST_CASE("optimizer::Optimizer: a parameter whose layout changes keeps its momentum", "[optimizer]") {
  for (const auto& [name, settings] : g2d_test::optimizers()) {
    INFO(name);
    const auto all = parameters();
    const auto update_twice = [&](bool changes) {
      const auto value = all[0].value.clone().requires_grad_();
      g2d::optimizer::Optimizer optimizer(settings, group_of({value}));
      value.mutable_grad() = all[0].gradient;
      optimizer.update({});
      if (changes) value.set_data(value.detach().contiguous(channels_last));
      value.mutable_grad() = all[1].gradient;
      optimizer.update({});
      return value.detach();
    };
    CHECK_REPORT(g2d::check::compare(update_twice(true), update_twice(false), "value", 1e-6));
  }
}

TEST_CASE("optimizer::Optimizer: a parameter with gaps in memory is refused with its group's name", "[optimizer]") {
  const auto columns = torch::randn({6, 40}).narrow(1, 8, 16);
  CHECK_THROWS_WITH(
      g2d::optimizer::Optimizer(g2d::optimizer::Sgd{}, group_of({columns})),
      Catch::Matchers::Contains("encoder.audio") && Catch::Matchers::Contains("[6, 16] with strides [40, 1]"));
}

TEST_CASE("optimizer::Optimizer: a learning-rate factor that is negative or no number is refused", "[optimizer]") {
  using g2d_test::thrown;
  const Tensors values{torch::ones({2}).requires_grad_()};
  g2d::optimizer::Optimizer optimizer(g2d::optimizer::Sgd{}, group_of(values));
  const auto said = [](const std::string& group, const std::string& factor) {
    return "g2d: optimizer: group \"" + group + "\": expected a finite learning-rate factor >= 0, got " + factor;
  };
  CHECK(thrown<g2d::ConfigError>([&] { optimizer.set_group_factor(0, std::nan("")); }) == said("encoder.audio", "nan"));
  CHECK(thrown<g2d::ConfigError>([&] { optimizer.set_group_factor(0, -0.5); }) == said("encoder.audio", "-0.5"));
  CHECK(thrown<g2d::ConfigError>([&] { optimizer.set_learning_rate_factor(std::nan("")); }) == said("all", "nan"));
  auto groups = group_of(values);
  groups[0].learning_rate_factor = std::numeric_limits<double>::infinity();
  CHECK(thrown<g2d::ConfigError>([&] { g2d::optimizer::Optimizer(g2d::optimizer::Sgd{}, groups); }) ==
        said("encoder.audio", "inf"));

  values[0].mutable_grad() = torch::ones({2});
  optimizer.set_group_factor(0, 0.0);
  optimizer.update({});
  CHECK(values[0].eq(1.0).all().item<bool>());
}
