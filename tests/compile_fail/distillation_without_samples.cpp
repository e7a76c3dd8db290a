// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: ComparesSamples

// A distillation formula compares batches and samples.

#include <g2d/distillation/kl.hpp>
#include <g2d/method/distillation.hpp>
#include <g2d/task/classification.hpp>

struct Mine {
  at::Tensor operator()(const at::Tensor& student, const at::Tensor& teacher) const;
#if !defined(G2D_EXPECT_ERROR)
  at::Tensor per_sample(const at::Tensor& student, const at::Tensor& teacher) const;
#endif
};

using Method = g2d::method::Distillation<g2d::task::Classification, Mine, g2d::distillation::Kl>;
void use(Method& method);
