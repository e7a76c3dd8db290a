// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: method::Valuation asks which classes are right

// A value is never just right.

#include <g2d/method/valuation.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/regression.hpp>

#if defined(G2D_EXPECT_ERROR)
using Task = g2d::task::Regression;
#else
using Task = g2d::task::Classification;
#endif

const g2d::method::Valuation<Task> method;
