// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: deleted function

// A subset refers to its dataset, which a temporary does not outlive.

#include <utility>

#include <g2d/data/in_memory.hpp>
#include <g2d/data/subset.hpp>

std::int64_t size(g2d::data::InMemory& dataset, const at::Tensor& rows) {
#if defined(G2D_EXPECT_ERROR)
  return g2d::data::Subset(std::move(dataset), rows).size();
#else
  return g2d::data::Subset(dataset, rows).size();
#endif
}
