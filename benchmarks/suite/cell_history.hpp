// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

#include <g2d/train/observer.hpp>
#include <g2d/train/trainer_options.hpp>

#include "cell_analysis.hpp"

/// The learning curves of one student: a line for each epoch, with the mean coefficient that its gradients were scaled
/// by and its own rho on validation.
class CellHistory {
 public:
  explicit CellHistory(const g2d::ModalityNames& names) : names_(names) {}

  /// To look at every step; adds up on the device.
  [[nodiscard]] g2d::Observer observer() {
    return {.on_step = [this](const g2d::Observation& seen) { add(seen); }};
  }

  void end_epoch(const g2d::EpochReport& report) {
    nlohmann::json line{{"epoch", report.epoch},
                        {"stage", report.stage},
                        {"learning_rate", report.learning_rate},
                        {"seconds", report.seconds},
                        {"preparation_seconds", report.preparation_seconds},
                        {"samples", report.num_samples},
                        {"skipped", report.num_skipped}};
    for (const auto& [name, value] : report.losses) line["losses"][name] = value;
    line["validation"] = {{"fused", to_json(report.validation.fused)}, {"loss", report.validation.loss}};
    for (std::size_t m = 0; m < names_.size(); ++m) {
      line["validation"]["unimodal"][names_[m]] = to_json(report.validation.unimodal[m]);
      line["rho"][names_[m]] = report.validation.unimodal_confidence[m];
    }
    if (sums_.defined()) {
      const auto means = sums_.div(static_cast<double>(num_steps_)).cpu();
      for (std::size_t m = 0; m < names_.size(); ++m)
        line["kappa"][names_[m]] = means[static_cast<std::int64_t>(m)].item<double>();
    }
    sums_ = at::Tensor();
    num_steps_ = 0;
    lines_.push_back(std::move(line));
  }

  [[nodiscard]] const nlohmann::json& lines() const { return lines_; }

 private:
  void add(const g2d::Observation& seen) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> kappa;
    for (std::size_t m = 0; m < names_.size(); ++m) kappa.push_back(coefficient(seen, m));
    auto row = at::stack(kappa);
    sums_ = sums_.defined() ? sums_.add(row) : row;
    ++num_steps_;
  }

  [[nodiscard]] static at::Tensor coefficient(const g2d::Observation& seen, std::size_t m) {
    const auto options = seen.total.options().dtype(at::kDouble).requires_grad(false);
    if (seen.controls[m].frozen) return at::zeros({}, options);
    const auto& given = seen.coefficients[m];
    return given.defined() ? given.detach().to(options) : at::ones({}, options);
  }

  const g2d::ModalityNames& names_;
  nlohmann::json lines_ = nlohmann::json::array();
  at::Tensor sums_;
  std::int64_t num_steps_ = 0;
};
