// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/per_modality.hpp>

namespace g2d::distillation {

/// The weight of a distillation term: one number, one for each modality, and either as it changes over the epochs.
///
///     weight(m, epoch) = modality_m * factor(epoch)
///
/// Units      none. A weight of 0 leaves the term out; nothing is computed for it.
/// Errors     ConfigError for a negative weight, or a count that does not match the modalities.
class Weight {
 public:
  Weight(double weight = 1.0) : all_(weight) {}  // NOLINT(google-explicit-constructor): a number is a weight
  Weight(PerModality<double> weights) : per_modality_(std::move(weights)) {}  // NOLINT(google-explicit-constructor)

  /// The same weight times `factor(epoch)`, e.g. 0 after some epoch.
  [[nodiscard]] Weight over_epochs(std::function<double(std::int64_t epoch)> factor) const {
    Weight weight = *this;
    weight.factor_ = std::move(factor);
    return weight;
  }

  [[nodiscard]] double operator()(std::size_t modality, std::int64_t epoch) const {
    const double weight = per_modality_.empty() ? all_ : per_modality_[modality];
    return factor_ ? weight * factor_(epoch) : weight;
  }

  [[nodiscard]] bool is_uniform() const {
    return std::adjacent_find(per_modality_.begin(), per_modality_.end(), std::not_equal_to<>()) == per_modality_.end();
  }

  void check(const ModalityNames& names, std::string_view which) const {
    if (!per_modality_.empty() && per_modality_.size() != names.size()) {
      throw ConfigError(fmt::format("g2d: {} weight: expected {} entries ({}), got {}", which, names.size(),
                                    names.joined(), per_modality_.size()));
    }
    for (std::size_t m = 0; m < names.size(); ++m) {
      const double weight = per_modality_.empty() ? all_ : per_modality_[m];
      if (!(weight >= 0.0)) {
        throw ConfigError(
            fmt::format("g2d: {} weight: modality \"{}\": expected >= 0, got {}", which, names[m], weight));
      }
    }
  }

 private:
  double all_ = 1.0;
  PerModality<double> per_modality_;
  std::function<double(std::int64_t)> factor_;
};

}  // namespace g2d::distillation
