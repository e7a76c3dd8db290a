// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

namespace g2d_test {

/// The project's folder tests/.
std::filesystem::path test_directory();

}  // namespace g2d_test
