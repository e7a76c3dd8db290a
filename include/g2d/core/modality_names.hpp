// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/utf8.hpp>

namespace g2d {

/// The names of the modalities, in declared order: they appear in every message, column of results, checkpoint key and
/// name of a teacher's file.
///
/// Errors     ConfigError when there is none, or when a name occurs twice, is empty, has more than 100 bytes, a control
///            character, one of . / \\ , " or blanks at an end, or is not UTF-8.
class ModalityNames {
 public:
  ModalityNames(std::initializer_list<std::string> names) : ModalityNames(std::vector<std::string>(names)) {}

  explicit ModalityNames(std::vector<std::string> names) : names_(std::move(names)) {
    if (names_.empty()) throw ConfigError("g2d: ModalityNames: expected at least one modality, got none");
    for (std::size_t m = 0; m < names_.size(); ++m) check(m);
  }

  [[nodiscard]] std::size_t size() const { return names_.size(); }
  [[nodiscard]] const std::string& operator[](std::size_t m) const { return names_[m]; }
  [[nodiscard]] auto begin() const { return names_.begin(); }
  [[nodiscard]] auto end() const { return names_.end(); }
  [[nodiscard]] std::string joined() const { return fmt::format("{}", fmt::join(names_, ", ")); }

  /// The position of `name`. ConfigError naming the known ones when it is none of them.
  [[nodiscard]] std::size_t index_of(std::string_view name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) {
      throw ConfigError(fmt::format("g2d: modalities: expected one of [{}], got \"{}\"", joined(), name));
    }
    return static_cast<std::size_t>(found - names_.begin());
  }

  friend bool operator==(const ModalityNames&, const ModalityNames&) = default;

 private:
  static constexpr std::size_t longest = 100;

  static bool can_be_written(std::string_view name) {
    const auto is_special = [](char c) {
      return static_cast<unsigned char>(c) < 0x20U || c == 0x7F ||
             std::string_view("./\\,\"").find(c) != std::string_view::npos;
    };
    return !name.empty() && name.size() <= longest && name.front() != ' ' && name.back() != ' ' && is_utf8(name) &&
           std::none_of(name.begin(), name.end(), is_special);
  }

  void check(std::size_t m) const {
    const auto& name = names_[m];
    if (!can_be_written(name)) {
      throw ConfigError(fmt::format(
          "g2d: ModalityNames: modality {}: expected a name in UTF-8 of 1 to {} bytes without control characters, . / "
          "\\ , \" and blanks at its ends (names become keys, columns and files), got {:?}",
          m, longest, name));
    }
    if (std::find(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(m), name) !=
        names_.begin() + static_cast<std::ptrdiff_t>(m)) {
      throw ConfigError(fmt::format("g2d: ModalityNames: expected distinct names, got \"{}\" twice", name));
    }
  }

  std::vector<std::string> names_;
};

}  // namespace g2d
