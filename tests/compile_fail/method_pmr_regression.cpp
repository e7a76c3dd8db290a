// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: method::Pmr needs classes, of which it takes the mean features

// Values have no classes, and so no prototypes.

#include <g2d/method/pmr.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/regression.hpp>

#if defined(G2D_EXPECT_ERROR)
using Task = g2d::task::Regression;
#else
using Task = g2d::task::Classification;
#endif

g2d::method::Pmr<Task> make() { return g2d::method::Pmr<Task>(); }
