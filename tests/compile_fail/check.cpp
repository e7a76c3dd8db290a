// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: the check itself works

// The control: shows that the flags work, and that a refusal is told from success.

#include <g2d/version.hpp>

#if defined(G2D_EXPECT_ERROR)
static_assert(G2D_VERSION_MAJOR < 0, "g2d: the check itself works");
#endif
