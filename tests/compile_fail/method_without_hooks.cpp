// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: MethodPolicy

// A method has at least one hook.

#include <g2d/method/stack.hpp>

struct Mine {
#if !defined(G2D_EXPECT_ERROR)
  void loss(const g2d::method::StepContext&, const g2d::method::Outputs&, g2d::method::Terms&) {}
#endif
};

void use(g2d::method::Stack<Mine>& stack);
