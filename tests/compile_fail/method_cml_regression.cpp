// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: method::Cml compares the probabilities of classes

// Values have no probabilities whose greatest would be a confidence.

#include <g2d/method/cml.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/regression.hpp>

#if defined(G2D_EXPECT_ERROR)
using Task = g2d::task::Regression;
#else
using Task = g2d::task::Classification;
#endif

const g2d::method::Cml<Task> method;
