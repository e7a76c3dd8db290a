// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/shape.hpp>

namespace g2d {

/// What a fusion joins: the feature width D_m of every modality, and the number of outputs C (1 or more for
/// regression).
///
/// Errors     ConfigError when the widths do not match the names, or a width or the number of outputs is below 1.
class FusionShape {
 public:
  FusionShape(ModalityNames names, std::vector<std::int64_t> feature_widths, std::int64_t num_outputs)
      : names_(std::move(names)), feature_widths_(std::move(feature_widths)), num_outputs_(num_outputs) {
    if (feature_widths_.size() != names_.size()) {
      throw ConfigError(fmt::format("g2d: FusionShape: expected {} feature widths ({}), got {}", names_.size(),
                                    names_.joined(), feature_widths_.size()));
    }
    for (std::size_t m = 0; m < names_.size(); ++m) {
      if (feature_widths_[m] < 1) {
        throw ConfigError(fmt::format("g2d: FusionShape: modality \"{}\": expected a feature width >= 1, got {}",
                                      names_[m], feature_widths_[m]));
      }
    }
    if (num_outputs_ < 1) {
      throw ConfigError(fmt::format("g2d: FusionShape: expected num_outputs >= 1, got {}", num_outputs_));
    }
  }

  [[nodiscard]] const ModalityNames& names() const { return names_; }
  [[nodiscard]] std::size_t num_modalities() const { return names_.size(); }
  [[nodiscard]] const std::vector<std::int64_t>& feature_widths() const { return feature_widths_; }
  [[nodiscard]] std::int64_t feature_width(std::size_t m) const { return feature_widths_[m]; }
  [[nodiscard]] std::int64_t num_outputs() const { return num_outputs_; }

  /// Throws ShapeError, naming the modality, unless features[m] is [B, D_m] for every m.
  void check(ModalitySpan<at::Tensor> features, std::string_view where) const {
    if (features.size() != names_.size()) {
      throw ShapeError(fmt::format("g2d: {}: expected features of {} modalities ({}), got {}", where, names_.size(),
                                   names_.joined(), features.size()));
    }
    for (std::size_t m = 0; m < features.size(); ++m) {
      const auto& x = features[m];
      if (!x.defined() || x.dim() != 2 || x.size(1) != feature_widths_[m] || x.size(0) != features[0].size(0)) {
        throw ShapeError(fmt::format("g2d: {}: modality \"{}\": expected features [{}, {}], got {}", where, names_[m],
                                     m == 0 ? "B" : std::to_string(features[0].size(0)), feature_widths_[m],
                                     x.defined() ? to_string(x.sizes()) : std::string("no tensor")));
      }
    }
  }

 private:
  ModalityNames names_;
  std::vector<std::int64_t> feature_widths_;
  std::int64_t num_outputs_;
};

}  // namespace g2d
