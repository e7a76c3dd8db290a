// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: method::Stack: at most one policy may own the forward hook

// Two policies that own the forward hook would overwrite each other.

#include <g2d/method/stack.hpp>

struct Reads {
  void forward(const g2d::method::StepContext&, g2d::method::Outputs&) {}
};

struct Listens {
#if defined(G2D_EXPECT_ERROR)
  void forward(const g2d::method::StepContext&, g2d::method::Outputs&) {}
#else
  void loss(const g2d::method::StepContext&, const g2d::method::Outputs&, g2d::method::Terms&) {}
#endif
};

const g2d::method::Stack stack(Reads{}, Listens{});
