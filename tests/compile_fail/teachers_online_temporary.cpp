// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: deleted function

// A source refers to its teachers, which a temporary does not outlive.

#include <utility>

#include <g2d/task/classification.hpp>
#include <g2d/teacher/teacher_source.hpp>

g2d::TeacherSource source(g2d::Teachers& teachers) {
#if defined(G2D_EXPECT_ERROR)
  return g2d::online(std::move(teachers), g2d::task::Classification(), {0.5, 0.5});
#else
  return g2d::online(teachers, g2d::task::Classification(), {0.5, 0.5});
#endif
}
