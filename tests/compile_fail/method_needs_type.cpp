// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: the member needs must be a g2d::method::Needs

// Needs that are found by their name and are something else are no needs.

#include <g2d/method/stack.hpp>

struct Mine {
#if defined(G2D_EXPECT_ERROR)
  bool needs() const { return true; }
#else
  g2d::method::Needs needs() const { return {.unimodal = true}; }
#endif
  void loss(const g2d::method::StepContext&, const g2d::method::Outputs&, g2d::method::Terms&) {}
};

bool use() { return g2d::method::Stack(Mine()).needs().unimodal; }
