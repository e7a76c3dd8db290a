// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#include "support/instantiations.hpp"

G2D_TEST_INSTANTIATIONS()
