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

namespace g2d {

/// The names of the modalities, in declared order: they appear in every message, log column and checkpoint key.
///
/// Errors     ConfigError when there is none, when a name is empty, contains '.', or occurs twice.
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
  void check(std::size_t m) const {
    const auto& name = names_[m];
    if (name.empty() || name.find('.') != std::string::npos) {
      throw ConfigError(fmt::format(
          "g2d: ModalityNames: modality {}: expected a name without '.' (names become checkpoint keys), got \"{}\"", m,
          name));
    }
    if (std::find(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(m), name) !=
        names_.begin() + static_cast<std::ptrdiff_t>(m)) {
      throw ConfigError(fmt::format("g2d: ModalityNames: expected distinct names, got \"{}\" twice", name));
    }
  }

  std::vector<std::string> names_;
};

}  // namespace g2d
