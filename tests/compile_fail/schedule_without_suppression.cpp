// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: HasSuppression

// A schedule says when, and holds a suppression policy that says how.

#include <g2d/method/prioritization.hpp>
#include <g2d/suppression/complete.hpp>

struct Mine {
  std::vector<g2d::schedule::Stage> stages(const g2d::schedule::Run& run) const;
#if defined(G2D_EXPECT_ERROR)
  int suppression() const;
#else
  const g2d::suppression::Complete& suppression() const;
#endif
};

void use(g2d::method::Prioritization<Mine>& method);
