// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// The waits for a device in steps of methods that take turns, keep a state of their own, drop features or mask classes.

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/method/amco.hpp>
#include <g2d/method/any.hpp>
#include <g2d/method/lfm.hpp>
#include <g2d/method/mla.hpp>
#include <g2d/method/mm_cosine.hpp>
#include <g2d/method/opm.hpp>
#include <g2d/method/qmf.hpp>
#include <g2d/method/recon_boost.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>

#include "method/step_case.hpp"
#include "support/host_waits.hpp"
#include "support/meta_device.hpp"
#include "support/random_case.hpp"
#include "support/students.hpp"
#include "support/tiny_encoders.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using g2d::OutputKind;
using g2d::task::Classification;
namespace method = g2d::method;
using Mla = method::Mla<Classification>;
using Lfm = method::Lfm<Classification>;
using MmCosine = method::MmCosine<Classification>;
using Qmf = method::Qmf<Classification>;
using ReconBoost = method::ReconBoost<Classification>;
using Names = std::vector<std::string>;

/// The waits of the second step in each of some epochs, on a device without values.
Names waits(std::string_view fusion, method::Any method, std::int64_t num_epochs) {
  const auto student =
      make_student({std::make_shared<RunningMean>(5), std::make_shared<RunningMean>(2)}, num_classes, fusion);
  become_meta(*student);
  student->eval();  // In training mode, which samples an encoder is run on is asked of the mask of presence.
  AnyStep step(*student, std::move(method), {.num_epochs = num_epochs, .finite_check = g2d::FiniteCheck::Gradients});
  auto samples = Random(1, torch::kFloat).batch(OutputKind::Classes, batch_size, {5, 2}, num_classes);
  samples.sample_ids = torch::arange(batch_size);
  for (auto& input : samples.inputs) input.values = input.values.to(torch::kMeta);
  samples.target = samples.target.to(torch::kMeta);
  samples.present = torch::ones({batch_size, 2}, torch::kBool).to(torch::kMeta);
  Names found;
  for (std::int64_t epoch = 0; epoch < num_epochs; ++epoch) {
    step.begin_epoch(epoch);
    step(samples);
    const HostWaits listening;
    step(samples);
    found.insert(found.end(), HostWaits::found().begin(), HostWaits::found().end());
  }
  return found;
}

}  // namespace

TEST_CASE("methods that take turns or keep a state wait for no device", "[method][meta]") {
  CHECK(waits("shared-head", Mla(), 2) == Names());
  CHECK(waits("shared-head", Mla(method::official_mla()), 2) == Names());
  CHECK(waits("boosted", ReconBoost({.learner_epochs = 1, .joint_epochs = 1}), 4) == Names());
  CHECK(waits("late", Lfm(), 2) == Names());
  CHECK(waits("cosine", MmCosine(), 2) == Names());
  // The samples' row numbers go to the device; nothing comes back.
  CHECK(waits("energy-weighted", Qmf(), 1) == Names{"aten::to"});
}

TEST_CASE("methods that drop features or mask classes wait for no device", "[method][meta]") {
  const method::Opm<Classification> opm({.batch_share = 1.0, .warm_up_epochs = 0});
  CHECK(waits("concat", method::Stack(method::Supervised<Classification>(), opm), 2) == Names());
  CHECK(waits("late", method::Amco<Classification>(), 2) == Names());
}
