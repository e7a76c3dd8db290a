// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "test_directory.hpp"

// A file of its own: the macro differs from clone to clone, and a compiler cache would miss wherever it is defined.
std::filesystem::path g2d_test::test_directory() { return G2D_TEST_DIRECTORY; }
