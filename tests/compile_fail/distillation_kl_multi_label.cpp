// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: this distillation formula cannot compare the predictions of this task

// The labels of a multi-label task are no single choice: Kl is refused, BernoulliKl is for them.

#include <g2d/distillation/bernoulli_kl.hpp>
#include <g2d/distillation/kl.hpp>
#include <g2d/distillation/mse.hpp>
#include <g2d/method/distillation.hpp>
#include <g2d/task/multi_label.hpp>

#if defined(G2D_EXPECT_ERROR)
using Logit = g2d::distillation::Kl;
#else
using Logit = g2d::distillation::BernoulliKl;
#endif

const g2d::method::Distillation<g2d::task::MultiLabel, g2d::distillation::Mse, Logit> method;
