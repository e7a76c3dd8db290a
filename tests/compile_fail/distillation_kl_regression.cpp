// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: this distillation formula cannot compare the predictions of this task

// Values are no distribution: Kl of a regression is refused.

#include <g2d/distillation/kl.hpp>
#include <g2d/distillation/mse.hpp>
#include <g2d/method/distillation.hpp>
#include <g2d/task/regression.hpp>

#if defined(G2D_EXPECT_ERROR)
using Logit = g2d::distillation::Kl;
#else
using Logit = g2d::distillation::Mse;
#endif

const g2d::method::Distillation<g2d::task::Regression, g2d::distillation::Mse, Logit> method;
