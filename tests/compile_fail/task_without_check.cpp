// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: ChecksTargets

// A task checks its targets.

#include <g2d/method/supervised.hpp>

struct Mine {
  static constexpr g2d::OutputKind output_kind = g2d::OutputKind::Values;
  at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const;
  at::Tensor confidence(const at::Tensor& output, const at::Tensor& target) const;
#if !defined(G2D_EXPECT_ERROR)
  void check(std::int64_t num_outputs, const at::Tensor& target) const;
#endif
};

void use(g2d::method::Supervised<Mine>& method);
