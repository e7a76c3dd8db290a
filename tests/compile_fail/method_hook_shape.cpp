// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: the hook loss must be callable as void loss

// A hook with the right name and another shape would silently never be called.

#include <g2d/method/stack.hpp>

struct Mine {
#if defined(G2D_EXPECT_ERROR)
  void loss(const g2d::method::Outputs&, g2d::method::Terms&) {}
#else
  void loss(const g2d::method::StepContext&, const g2d::method::Outputs&, g2d::method::Terms&) {}
#endif
};

void use(const g2d::method::StepContext& context, const g2d::method::Outputs& outputs, g2d::method::Terms& terms) {
  g2d::method::Stack(Mine()).loss(context, outputs, terms);
}
