// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/core/parallel_for.hpp>

#include "support/threads_scope.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

using g2d_test::ThreadsScope;

TEST_CASE("parallel_for: every index once, in whatever number of threads", "[core]") {
  const ThreadsScope scope(GENERATE(1, 4));
  const std::int64_t count = GENERATE(0, 1, 7, 1000), grain = GENERATE(1, 16);
  INFO(count << " in pieces of " << grain);
  std::vector<std::atomic<int>> times(static_cast<std::size_t>(count));
  g2d::parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) ++times[static_cast<std::size_t>(i)];
  });
  for (const auto& once : times) CHECK(once == 1);
}
