// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/modality_names.hpp>
#include <g2d/train/step.hpp>

namespace g2d::detail {

/// Means of the loss terms over the samples of an epoch, gathered on the device and read once. A term of one modality
/// counts the samples that have it. Skipped steps do not count.
class LossMeter {
 public:
  void add(const StepResult& result, const ModalityNames& names) {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> each{result.total};
    for (const auto& term : result.terms) each.push_back(term.value);
    const auto values = at::stack(each);
    const auto counts = this->counts(result, values);
    auto sums = at::stack({values.mul(counts), counts});
    if (result.is_skipped.defined()) {
      const auto is_skipped = result.is_skipped.to(at::kBool);
      sums = at::where(is_skipped, sums.new_zeros({}), sums);
      skipped_ = skipped_.defined() ? skipped_.add(is_skipped) : is_skipped.to(at::kLong);
    }
    // A method that changes its terms within an epoch is averaged from there on.
    const bool goes_on = sums_.defined() && sums_.size(1) == sums.size(1);
    sums_ = goes_on ? sums_.add(sums) : sums;
    if (!goes_on) label(result, names);
  }

  [[nodiscard]] std::int64_t num_skipped() const { return skipped_.defined() ? skipped_.item<std::int64_t>() : 0; }

  /// Names and means: "total", then "task", "feature.audio", ...; NaN when no sample counted.
  [[nodiscard]] std::vector<std::pair<std::string, double>> means() const {
    std::vector<std::pair<std::string, double>> means;
    if (!sums_.defined()) return means;
    const auto host = sums_.to(at::kDouble).cpu();
    const auto ratio = host[0].div(host[1]);
    for (std::size_t k = 0; k < labels_.size(); ++k) means.emplace_back(labels_[k], ratio.const_data_ptr<double>()[k]);
    return means;
  }

 private:
  /// How many samples each value is the mean of, in batches of the first one's size: equal batches count 1 each.
  [[nodiscard]] at::Tensor counts(const StepResult& result, const at::Tensor& values) {
    const auto num_samples = static_cast<double>(result.fused.size(0));
    if (unit_ == 0.0) unit_ = num_samples;
    auto counts = at::full_like(values, num_samples / unit_);
    if (!result.present.defined()) return counts;
    const auto present = result.present.sum(0).div(unit_);
    for (std::size_t k = 0; k < result.terms.size(); ++k) {
      const auto& modality = result.terms[k].modality;
      if (!modality) continue;
      counts.select(0, static_cast<std::int64_t>(k) + 1).copy_(present.select(0, static_cast<std::int64_t>(*modality)));
    }
    return counts;
  }

  void label(const StepResult& result, const ModalityNames& names) {
    labels_ = {"total"};
    for (const auto& term : result.terms) {
      labels_.push_back(term.modality ? fmt::format("{}.{}", term.name, names[*term.modality])
                                      : std::string(term.name));
    }
  }

  at::Tensor sums_;  ///< [2, K]: values times counts, and counts.
  at::Tensor skipped_;
  std::vector<std::string> labels_;
  double unit_ = 0.0;
};

}  // namespace g2d::detail
