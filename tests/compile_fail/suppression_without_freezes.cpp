// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: SaysWhetherItFreezes

// A suppression policy says whether it freezes.

#include <g2d/schedule/sequential.hpp>

struct Mine {
#if !defined(G2D_EXPECT_ERROR)
  static constexpr bool freezes = false;
#endif
  at::Tensor coefficients(const at::Tensor& suppressed, const at::Tensor& ratios) const;
  g2d::suppression::NormStatistics norm_statistics() const;
  g2d::suppression::ParameterFilter filter() const;
};

void use(g2d::schedule::Sequential<Mine>& schedule);
