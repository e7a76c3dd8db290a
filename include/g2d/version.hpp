// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

// The only place a version is written; CMake parses these three lines.
#define G2D_VERSION_MAJOR 0
#define G2D_VERSION_MINOR 1
#define G2D_VERSION_PATCH 0

#define G2D_DETAIL_STRINGIFY(text) #text
#define G2D_DETAIL_VERSION_STRING(major, minor, patch) \
  G2D_DETAIL_STRINGIFY(major) "." G2D_DETAIL_STRINGIFY(minor) "." G2D_DETAIL_STRINGIFY(patch)
/// The version as text, "major.minor.patch".
#define G2D_VERSION G2D_DETAIL_VERSION_STRING(G2D_VERSION_MAJOR, G2D_VERSION_MINOR, G2D_VERSION_PATCH)
