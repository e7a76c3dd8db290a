// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <memory>
#include <vector>

#include <g2d/analysis.hpp>
#include <g2d/data/concatenation.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/train_teacher.hpp>

#include "analysis/figures.hpp"
#include "analysis/recorders.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"
#include "support/tiny_encoders.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
namespace analysis = g2d::analysis;
using Task = g2d::task::Classification;

std::vector<bool> modes(const torch::nn::Module& module) {
  std::vector<bool> modes{module.is_training()};
  for (const auto& child : module.modules(/*include_self=*/false)) modes.push_back(child->is_training());
  return modes;
}

}  // namespace

TEST_CASE("analysis: every module's mode is put back, no graph is left, and norm statistics stay", "[analysis]") {
  torch::manual_seed(3);
  const auto student = g2d_test::make_student(
      {std::make_shared<g2d_test::NormDropout>(4), std::make_shared<g2d_test::NormDropout>(4)}, 3);
  module_of<g2d_test::NormDropout>(*student, 1).norm->eval();
  const auto before = modes(*student);
  const auto buffers = torch::cat({module_of<g2d_test::NormDropout>(*student, 0).norm->running_mean.clone(),
                                   module_of<g2d_test::NormDropout>(*student, 1).norm->running_mean.clone()});
  const auto dataset = samples(12, 2);
  const auto features = analysis::collect_features(*student, dataset, 5);
  CHECK_FALSE(features.encoded[0].requires_grad());
  CHECK(modes(*student) == before);
  CHECK(analysis::collect_features(*student, dataset, 12).encoded[0].allclose(features.encoded[0]));
  (void)analysis::evaluate_subsets(*student, dataset, Task());
  CHECK(modes(*student) == before);
  const std::vector<double> levels{0.5};
  (void)analysis::evaluate_under_noise(*student, dataset, Task(), 0, levels);
  CHECK(modes(*student) == before);
  CHECK(torch::cat({module_of<g2d_test::NormDropout>(*student, 0).norm->running_mean,
                    module_of<g2d_test::NormDropout>(*student, 1).norm->running_mean})
            .equal(buffers));
}

TEST_CASE("analysis::collect_features: what the fusion hands on, datasets without ids, other modalities refused",
          "[analysis][features]") {
  torch::manual_seed(4);
  const auto student = g2d_test::make_student(g2d_test::tanh_encoders({4, 4}, {3, 5}), 3, "gated");
  const auto dataset = samples(10, 2);
  const auto features = analysis::collect_features(*student, WithoutIds{dataset}, 4);
  CHECK_FALSE(features.sample_ids.defined());
  CHECK_FALSE(features.present.defined());
  CHECK(features.labelled(1).features.equal(features.encoded[1]));
  for (std::size_t m = 0; m < 2; ++m) {
    CHECK(features.encoded[m].size(1) == student->encoder(m).feature_width());
    CHECK(features.handed_on[m].size(1) == student->handed_on_width(m));
  }
  const torch::NoGradGuard no_grad;
  const auto expected = student->fuse(student->encode(dataset.all().inputs)).features;
  CHECK(features.handed_on[1].allclose(expected[1]));
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::collect_features(*student, samples(5, 3)); }) ==
        "g2d: analysis: expected a dataset of the model's modalities (audio, image), got (audio, image, text)");
}

TEST_CASE("analysis::collect_features: a dataset that lacks nothing, joined to one that lacks something",
          "[analysis][features]") {
  const auto student = g2d_test::make_student(g2d_test::tanh_encoders({4, 4}, {3, 3}), 3);
  const auto whole = samples(10, 2);
  const auto present = torch::arange(12).view({6, 2}).remainder(5).ne(1);
  const auto ids = torch::arange(500, 506);
  const g2d::data::InMemory holed(whole.names(), samples(6, 2).all().inputs, samples(6, 2).targets(), ids, present);
  const auto features =
      analysis::collect_features(*student, g2d::data::Concatenation<g2d::data::InMemory>({whole, holed}), 5);
  CHECK(features.present.equal(torch::cat({torch::ones({10, 2}, at::kBool), present})));
  for (std::size_t m = 0; m < 2; ++m) {
    const auto has = features.present.select(1, static_cast<std::int64_t>(m));
    CHECK(features.labelled(m).features.equal(features.encoded[m].index({has})));
    CHECK(features.labelled(m).target.equal(features.target.index({has})));
  }
}

TEST_CASE("analysis: a student that is its teachers is aligned with them, over the samples that have the modality",
          "[analysis][features][alignment]") {
  torch::manual_seed(5);
  const auto encoders = g2d_test::tanh_encoders({4, 4}, {3, 3});
  const auto student = g2d_test::make_student(encoders, 3);
  std::vector<g2d::Teacher> all;
  for (std::size_t m = 0; m < 2; ++m) {
    all.push_back(g2d::Teacher::of(g2d::make_unimodal_model(g2d_test::names(2)[m], encoders[m], 3)));
  }
  const g2d::Teachers teachers(g2d_test::names(2), all);
  const auto present = torch::rand({20, 2}) < 0.7;
  const auto complete = samples(20, 2);
  auto inputs = complete.all().inputs;
  inputs[0].values = inputs[0].values.masked_fill(present.select(1, 0).logical_not().unsqueeze(1), missing);
  const g2d::data::InMemory dataset(complete.names(), inputs, complete.targets(), {}, present);

  const auto own = analysis::collect_features(*student, dataset, 8);
  const auto theirs = analysis::collect_features(teachers, dataset, 6);
  CHECK(theirs.handed_on[0].equal(theirs.encoded[0]));
  CHECK_FALSE(theirs.encoded[0].requires_grad());
  CHECK_FALSE(theirs.encoded[0].allclose(own.encoded[0]));  // where a sample lacks the modality
  for (const auto& alignment : analysis::alignment(own, theirs)) {
    CHECK(alignment.linear_cka == Approx(1.0));
    REQUIRE(alignment.mean_cosine);
    CHECK(*alignment.mean_cosine == Approx(1.0));
    CHECK(alignment.procrustes == Approx(0.0).margin(1e-6));
  }
  const auto other = analysis::collect_features(*student, dataset.subset(torch::arange(19, -1, -1)));
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::alignment(other, theirs); }) ==
        "g2d: analysis::alignment: expected features of the same samples in the same order, got others; collect both "
        "from "
        "one dataset");
  const auto one = analysis::collect_features(*recorder_student(1), samples(20, 1));
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::alignment(one, theirs); }) ==
        "g2d: analysis::alignment: expected a teacher for each of 1 modalities, got 2");
}
