// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: a method states its needs in one member

// A need that is stated as before there was `Needs` would silently not be met.

#include <g2d/method/stack.hpp>

struct Mine {
#if defined(G2D_EXPECT_ERROR)
  static constexpr bool needs_teachers = true;
#else
  static constexpr g2d::method::Needs needs{.teacher_logits = true};
#endif
  void loss(const g2d::method::StepContext&, const g2d::method::Outputs&, g2d::method::Terms&) {}
};

bool use() { return g2d::method::Stack(Mine()).needs().teachers; }
