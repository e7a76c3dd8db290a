// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: deleted function

// A source refers to its cache, which a temporary does not outlive.

#include <utility>

#include <g2d/teacher/teacher_cache.hpp>

g2d::TeacherSource source(g2d::TeacherCache& cache) {
#if defined(G2D_EXPECT_ERROR)
  return std::move(cache).source();
#else
  return cache.source();
#endif
}
