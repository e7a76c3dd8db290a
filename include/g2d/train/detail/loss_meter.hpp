// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <g2d/core/modality_names.hpp>
#include <g2d/train/step.hpp>

namespace g2d::detail {

/// Means of the loss terms over an epoch, gathered on the device and read once. Skipped steps do not count.
class LossMeter {
 public:
  void add(const StepResult& result, const ModalityNames& names) {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> values{result.total};
    for (const auto& term : result.terms) values.push_back(term.value);
    auto row = at::stack(values);
    if (result.is_skipped.defined()) {
      const auto is_skipped = result.is_skipped.to(at::kBool);
      row = at::where(is_skipped, row.new_zeros({}), row);
      skipped_ = skipped_.defined() ? skipped_.add(is_skipped) : is_skipped.to(at::kLong);
    }
    if (!sums_.defined() || sums_.size(0) != row.size(0))
      start(result, names, row);
    else
      sums_ = sums_.add(row);
    ++steps_;
  }

  [[nodiscard]] std::int64_t num_skipped() const { return skipped_.defined() ? skipped_.item<std::int64_t>() : 0; }

  /// Names and means: "total", then "task", "feature.audio", ...; NaN when every step was skipped.
  [[nodiscard]] std::vector<std::pair<std::string, double>> means() const {
    std::vector<std::pair<std::string, double>> means;
    if (!sums_.defined()) return means;
    const auto host = sums_.to(at::kDouble).cpu();
    const auto counted = static_cast<double>((steps_ - first_step_) - (num_skipped() - skipped_before_));
    for (std::size_t k = 0; k < labels_.size(); ++k) {
      means.emplace_back(labels_[k], host.const_data_ptr<double>()[k] / counted);
    }
    return means;
  }

 private:
  void start(const StepResult& result, const ModalityNames& names, const at::Tensor& row) {
    // A method that changes its terms within an epoch is averaged from there on.
    sums_ = row;
    first_step_ = steps_;
    if (steps_ > 0)
      skipped_before_ = num_skipped() - (result.is_skipped.defined() ? result.is_skipped.item<std::int64_t>() : 0);
    labels_ = {"total"};
    for (const auto& term : result.terms) {
      labels_.push_back(term.modality ? fmt::format("{}.{}", term.name, names[*term.modality])
                                      : std::string(term.name));
    }
  }

  at::Tensor sums_;
  at::Tensor skipped_;
  std::vector<std::string> labels_;
  std::int64_t steps_ = 0;
  std::int64_t first_step_ = 0;
  std::int64_t skipped_before_ = 0;
};

}  // namespace g2d::detail
