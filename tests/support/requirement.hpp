// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace g2d_test {

/// Says why what a tag stands for is absent; empty where it is present.
using Requirement = std::string (*)();

/// Requirement of each tag such as "data", for cases that cannot run everywhere.
std::map<std::string_view, Requirement>& requirements();

}  // namespace g2d_test
