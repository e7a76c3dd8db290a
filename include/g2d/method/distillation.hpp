// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <string_view>
#include <utility>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/distillation/any.hpp>
#include <g2d/distillation/concept.hpp>
#include <g2d/distillation/connector/identity.hpp>
#include <g2d/distillation/mean_to_each.hpp>
#include <g2d/distillation/weight.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

struct DistillationOptions {
  distillation::Weight feature_weight = 1.0;  ///< alpha.
  distillation::Weight logit_weight = 1.0;    ///< beta.
};

/// Distillation from one frozen teacher for each modality: the terms "feature" and "logit".
///
///     alpha sum_m L_feature(c_m(h_m), h^T_m) + beta sum_m L_logit(z, z^T_m)
///
/// z is the *fused* output of the student: every teacher speaks to the whole. c_m is the connector.
///
/// Use when   teachers exist. `None` on an axis leaves its terms out.
/// Shapes     features [B, D_m], logits [B, C]. Samples that lack modality m are left out of its terms.
/// Cost       O(B (sum_m D_m + M C)) a step, the logit terms in one go where the formula can (`Kl`), O(B C) and as one
///            term where the source keeps the mean teacher (`TeacherCache::keep_mean`); the teachers' forward passes
///            are precomputed.
/// Errors     ConfigError before the first step: no teachers, or not one for each modality, differing widths (naming
///            the modality), a formula that cannot compare such predictions, a negative weight, a mean teacher of
///            another formula or for several weights.
/// Source     arXiv:2506.21514, the G2D loss.
template <task::TaskPolicy Task, distillation::DistillationPolicy Feature, distillation::DistillationPolicy Logit,
          distillation::connector::ConnectorPolicy Connector = distillation::connector::Identity>
class Distillation {
 public:
  static_assert(
      distillation::for_features_v<Feature>,
      "g2d: this distillation formula compares distributions, and features are none; use Mse or Cosine for features");

  explicit Distillation(DistillationOptions options = {}, Task task = Task(), Feature feature = Feature(),
                        Logit logit = Logit(), Connector connector = Connector())
      : options_(std::move(options)),
        output_kind_(task.output_kind),
        feature_(std::move(feature)),
        logit_(std::move(logit)),
        connector_(std::move(connector)) {
    if constexpr (requires { std::integral_constant<OutputKind, Task::output_kind>{}; }) {
      static_assert(distillation::admits_v<Logit, Task::output_kind>,
                    "g2d: this distillation formula cannot compare the predictions of this task: Kl needs "
                    "task::Classification, BernoulliKl needs task::MultiLabel; use Mse for values");
    }
  }

  void begin(const Setup& setup) {
    options_.feature_weight.check(setup.names, "feature distillation");
    options_.logit_weight.check(setup.names, "logit distillation");
    if (!setup.teachers) {
      throw ConfigError("g2d: method::Distillation: expected teachers, got none; train or load one for each modality");
    }
    if (distillation::is_enabled(logit_)) {
      distillation::check_for_predictions(logit_, output_kind_, setup.num_outputs);
      if (setup.teachers->num_outputs != setup.num_outputs) {
        throw ConfigError(
            fmt::format("g2d: logit distillation: expected teachers with the student's {} outputs, got {}",
                        setup.num_outputs, setup.teachers->num_outputs));
      }
      hears_mean_ = setup.teachers->mean_temperature.has_value();
      if (hears_mean_) check_mean(*setup.teachers->mean_temperature);
    }
    if (distillation::is_enabled(feature_)) {
      distillation::check_for_features(feature_);
      check_number(setup);
      connector_.begin(setup.names, setup.feature_widths, setup.teachers->feature_widths);
    }
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto& teachers = *context.teachers;
    const bool hears_mean = hears_mean_ && teachers.mean.probabilities.defined() && !context.is_observed &&
                            !context.batch.present.defined();
    if (hears_mean) add_mean_logit(context, outputs, terms);
    const auto logit_values =
        hears_mean ? PerModality<at::Tensor>(outputs.features.size()) : logit_means(context, outputs);
    for (std::size_t m = 0; m < outputs.features.size(); ++m) {
      const double alpha = options_.feature_weight(m, context.epoch);
      if (alpha > 0.0 && distillation::is_enabled(feature_)) {
        const auto target = outputs.kept(teachers.features[m]);
        const auto present = outputs.kept(present_column(context.batch, m));
        terms.push_back({"feature", m,
                         distillation::mean_to(feature_, connector_(m, outputs.features[m]), target, present), alpha});
      }
      if (logit_values[m].defined()) {
        terms.push_back({"logit", m, logit_values[m], options_.logit_weight(m, context.epoch)});
      }
    }
  }

  [[nodiscard]] Parameters parameters() const { return connector_.parameters(); }
  [[nodiscard]] Needs needs() const {
    return {.teachers = true, .teacher_logits = distillation::is_enabled(logit_) && !hears_mean_};
  }

 private:
  static void check_number(const Setup& setup) {
    const auto given = setup.teachers->feature_widths.size();
    if (given != setup.names.size()) {
      throw ConfigError(
          fmt::format("g2d: feature distillation: expected the feature widths of {} teachers ({}), got {}",
                      setup.names.size(), setup.names.joined(), given));
    }
  }

  void check_mean(double temperature) const {
    const auto own = distillation::mean_temperature(logit_);
    if (own != temperature) {
      throw ConfigError(fmt::format(
          "g2d: logit distillation: expected KL at temperature {}, whose mean the teachers' source keeps, got {}; "
          "keep the mean of the method's formula, or none",
          temperature, own ? fmt::format("temperature {}", *own) : "another formula"));
    }
    if (!options_.logit_weight.is_uniform()) {
      throw ConfigError(
          "g2d: logit distillation: expected one weight for all modalities, whose plain mean the teachers' source "
          "keeps, "
          "got several; keep no mean");
    }
  }

  void add_mean_logit(const StepContext& context, const Outputs& outputs, Terms& terms) const {
    if constexpr (distillation::ComparesWithMean<Logit>) {
      const double beta = options_.logit_weight(0, context.epoch);
      if (!(beta > 0.0)) return;
      const auto& mean = context.teachers->mean;
      const auto value = logit_.mean_over_teachers(
          outputs.fused, {outputs.kept(mean.probabilities), outputs.kept(mean.negative_entropy)}, outputs.log_softmax);
      terms.push_back({"logit", {}, value, beta * static_cast<double>(outputs.features.size())});
    }
  }

  /// The logit terms' values, all in one go; undefined where the weight leaves the term out.
  [[nodiscard]] PerModality<at::Tensor> logit_means(const StepContext& context, const Outputs& outputs) const {
    const auto num_modalities = outputs.features.size();
    PerModality<at::Tensor> values(num_modalities);
    if (!distillation::is_enabled(logit_)) return values;
    PerModality<std::size_t> heard;
    PerModality<at::Tensor> targets, present;
    for (std::size_t m = 0; m < num_modalities; ++m) {
      if (!(options_.logit_weight(m, context.epoch) > 0.0)) continue;
      heard.push_back(m);
      targets.push_back(outputs.kept(context.teachers->logits[m]));
      if (context.batch.present.defined()) present.push_back(outputs.kept(present_column(context.batch, m)));
    }
    if (heard.empty()) return values;
    const auto means = distillation::mean_to_each(logit_, outputs.fused, targets, present, outputs.log_softmax);
    for (std::size_t k = 0; k < heard.size(); ++k) values[heard[k]] = means[k];
    return values;
  }

  DistillationOptions options_;
  OutputKind output_kind_;
  Feature feature_;
  Logit logit_;
  Connector connector_;
  bool hears_mean_ = false;
};

}  // namespace g2d::method
