// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#include <everything.hpp>

const char* version_in_second();

const char* version_in_second() { return G2D_VERSION; }
