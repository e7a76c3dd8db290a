// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#include <everything.hpp>

#include <string_view>

const char* version_in_second();

int main() { return version_in_second() == std::string_view(G2D_VERSION) ? 0 : 1; }
