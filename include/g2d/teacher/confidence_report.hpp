// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/confidence/check.hpp>
#include <g2d/confidence/order.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/per_modality.hpp>

namespace g2d {

/// The samples on which the teachers' confidence rho is measured.
enum class ConfidenceMeasure {
  Training,     ///< Those that the teachers were trained on: the paper. It saturates once they overfit.
  HeldOut,      ///< A split that they have not seen.
  CrossFitted,  ///< All training samples, each under a teacher trained without it.
};

[[nodiscard]] constexpr std::string_view to_string(ConfidenceMeasure measure) {
  switch (measure) {
    case ConfidenceMeasure::Training:
      return "training";
    case ConfidenceMeasure::HeldOut:
      return "held-out";
    case ConfidenceMeasure::CrossFitted:
      return "cross-fitted";
  }
  return "unknown";
}

/// rho by every measure that is known, and whether they rank the modalities alike.
class ConfidenceReport {
 public:
  explicit ConfidenceReport(ModalityNames names) : names_(std::move(names)) {}

  /// Errors: ConfigError unless there is one number for each modality.
  void add(ConfidenceMeasure measure, PerModality<double> confidence) {
    check(confidence, to_string(measure));
    entries_.emplace_back(measure, std::move(confidence));
  }

  /// Errors: ConfigError when it has not been measured.
  [[nodiscard]] const PerModality<double>& at(ConfidenceMeasure measure) const {
    for (const auto& [known, confidence] : entries_) {
      if (known == measure) return confidence;
    }
    throw ConfigError(
        fmt::format("g2d: ConfidenceReport: expected the measure \"{}\" to be known, got none", to_string(measure)));
  }

  [[nodiscard]] const std::vector<std::pair<ConfidenceMeasure, PerModality<double>>>& entries() const {
    return entries_;
  }

  /// "image < audio": from weak to strong. Errors: as `add`.
  [[nodiscard]] std::string order(const PerModality<double>& confidence) const {
    check(confidence, "order");
    std::string text;
    for (const auto m : confidence::weak_to_strong(confidence)) text += (text.empty() ? "" : " < ") + names_[m];
    return text;
  }

  /// A sentence when two measures rank the modalities differently; empty when all agree.
  [[nodiscard]] std::optional<std::string> disagreement() const {
    for (std::size_t i = 1; i < entries_.size(); ++i) {
      const auto first = order(entries_[0].second);
      const auto other = order(entries_[i].second);
      if (first != other) {
        return fmt::format(
            "the order depends on where rho is measured: {} by {} samples, {} by {} ones; overfitted teachers are sure "
            "of what "
            "they have learnt by heart, so trust the held-out or cross-fitted one",
            first, to_string(entries_[0].first), other, to_string(entries_[i].first));
      }
    }
    return std::nullopt;
  }

 private:
  void check(const PerModality<double>& confidence, std::string_view of) const {
    confidence::check(names_, confidence, fmt::format("ConfidenceReport: {}", of), "give one for each modality");
  }

  ModalityNames names_;
  std::vector<std::pair<ConfidenceMeasure, PerModality<double>>> entries_;
};

}  // namespace g2d
