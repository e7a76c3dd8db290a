// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <g2d/method/mm_cosine.hpp>

#include "method/step_case.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using g2d::task::Classification;
namespace method = g2d::method;
using MmCosine = method::MmCosine<Classification>;

}  // namespace

TEST_CASE("method::MmCosine: trains on directions, and refuses a fusion that sees lengths", "[method][mm_cosine]") {
  const auto student = student_with("cosine");
  AnyStep step(*student, MmCosine(), {.optimizer = plain_sgd});
  const auto samples = batch(1);
  const auto expected = task_by_hand(*student, samples).item<double>();
  {
    // Longer weights say the same.
    const at::NoGradGuard no_grad;
    parameter(*student, "fusion.audio.weight").mul_(7.0);
  }
  CHECK(step(samples).total.item<double>() == Approx(expected));
  const auto late = student_with("late");
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*late, MmCosine(), {}); }) ==
        "g2d: method::MmCosine: expected a student with fusion::Cosine, got another fusion");
}
