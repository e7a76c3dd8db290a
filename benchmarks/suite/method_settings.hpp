// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include <g2d/core/error.hpp>

/// Settings that only one method knows, by name; whatever is read is remembered, so that a misspelt one is found.
class MethodSettings {
 public:
  MethodSettings() = default;
  MethodSettings(std::string method, nlohmann::json given) : method_(std::move(method)), given_(std::move(given)) {}

  template <class Value>
  [[nodiscard]] Value get(const std::string& name, Value by_default) const {
    known_.insert(name);
    if (!given_.contains(name)) {
      resolved_[name] = by_default;
      return by_default;
    }
    try {
      auto value = given_.at(name).get<Value>();
      resolved_[name] = value;
      return value;
    } catch (const nlohmann::json::exception&) {
      throw g2d::ConfigError(fmt::format("{}: setting {}: expected a value like {}, got {}", method_, name,
                                         nlohmann::json(by_default).dump(), given_.at(name).dump()));
    }
  }

  /// Errors: ConfigError for a setting that nobody has asked for.
  void check_all_known() const {
    for (const auto& [name, value] : given_.items()) {
      if (known_.contains(name)) continue;
      throw g2d::ConfigError(fmt::format("{}: expected settings among the trainer's options and ({}), got \"{}\"",
                                         method_, fmt::join(known_, ", "), name));
    }
  }

  /// All that was read, defaults included.
  [[nodiscard]] const nlohmann::json& resolved() const { return resolved_; }

 private:
  std::string method_;
  nlohmann::json given_ = nlohmann::json::object();
  mutable nlohmann::json resolved_ = nlohmann::json::object();
  mutable std::set<std::string> known_;
};
