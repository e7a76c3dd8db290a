// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include "catch.hpp"

/// Passes when the check::Report does, and shows what it says when not.
#define CHECK_REPORT(...)              \
  do {                                 \
    const auto report = (__VA_ARGS__); \
    INFO(report.message());            \
    CHECK(report.passed());            \
  } while (false)
