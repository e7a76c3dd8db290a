// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

namespace g2d {

/// Prints as `fmt::print` does, but throws nothing when the stream cannot be written to (disk full, pipe or terminal
/// gone): what is printed is lost then, and the work goes on. A pipe that is gone also raises SIGPIPE, which the
/// program has to ignore.
template <class... Values>
void print(std::FILE* stream, fmt::format_string<Values...> format, Values&&... values) {
  const std::string text = fmt::format(format, std::forward<Values>(values)...);
  (void)std::fwrite(text.data(), 1, text.size(), stream);
}

/// The same on stdout.
template <class... Values>
void print(fmt::format_string<Values...> format, Values&&... values) {
  g2d::print(stdout, format, std::forward<Values>(values)...);
}

}  // namespace g2d
