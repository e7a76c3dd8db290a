// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: method::Window: a policy that owns the forward hook must always act

// The readout cannot change from epoch to epoch.

#include <g2d/method/window.hpp>

struct Mine {
#if defined(G2D_EXPECT_ERROR)
  void forward(const g2d::method::StepContext&, g2d::method::Outputs&) {}
#else
  void plan(std::int64_t, g2d::method::Controls&) {}
#endif
};

const g2d::method::Window window(Mine{}, {.first = 0, .last = 1});
