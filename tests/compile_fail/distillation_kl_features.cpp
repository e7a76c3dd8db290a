// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: features are none; use Mse or Cosine for features

// Features are no distribution: Kl of features is refused.

#include <g2d/distillation/cosine.hpp>
#include <g2d/distillation/kl.hpp>
#include <g2d/method/distillation.hpp>
#include <g2d/task/classification.hpp>

#if defined(G2D_EXPECT_ERROR)
using Feature = g2d::distillation::Kl;
#else
using Feature = g2d::distillation::Cosine;
#endif

const g2d::method::Distillation<g2d::task::Classification, Feature, g2d::distillation::Kl> method;
