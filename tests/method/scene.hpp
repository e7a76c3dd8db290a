// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/method/any.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>
#include <g2d/train/detail/student_access.hpp>

#include "support/students.hpp"
#include "support/tiny_encoders.hpp"
#include "train/small_problem.hpp"

/// Hooks of methods called by hand: a student with a batch, and a run whose services are prescribed.
namespace g2d_test {

namespace method = g2d::method;
using g2d::task::Classification;
using method::Split;
using Doubles = std::vector<double>;

inline constexpr std::int64_t num_samples = 12;

inline std::shared_ptr<g2d::AnyStudent> plain_student(std::size_t modalities, std::string_view fusion = "concat",
                                                      std::string_view readout = "auto") {
  torch::manual_seed(7);
  std::vector<std::int64_t> widths;
  for (std::size_t m = 0; m < modalities; ++m) widths.push_back(static_cast<std::int64_t>(m) + 2);
  return make_student(tanh_encoders(std::vector<std::int64_t>(modalities, input_width), widths), num_classes, fusion,
                      readout);
}

/// A student and a batch, to call hooks by hand.
struct Scene {
  std::shared_ptr<g2d::AnyStudent> student;
  g2d::Work work;
  g2d::detail::StudentAccess<g2d::AnyStudent> view;
  g2d::Batch batch;

  explicit Scene(std::size_t modalities, std::string_view fusion = "concat", std::string_view readout = "auto")
      : student(plain_student(modalities, fusion, readout)),
        work{g2d::PerModality<std::int64_t>(modalities, 0), g2d::PerModality<std::int64_t>(modalities, 0), 0},
        view(*student, work),
        batch(blobs(num_samples, 1, modalities).batch(torch::arange(num_samples))) {}

  [[nodiscard]] std::size_t num_modalities() const { return student->num_modalities(); }

  [[nodiscard]] method::Setup setup(std::int64_t num_epochs = 10) const {
    method::Setup setup{student->names(), {}, num_classes, num_epochs, {}, &view};
    for (std::size_t m = 0; m < num_modalities(); ++m) setup.feature_widths.push_back(student->handed_on_width(m));
    return setup;
  }
  [[nodiscard]] method::StepContext context(std::int64_t epoch = 0, std::int64_t step = 0) const {
    return {epoch, step, batch, nullptr, 0, &view};
  }
  [[nodiscard]] method::Outputs outputs() const {
    method::Outputs outputs;
    outputs.encoded = student->encode(batch.inputs, batch.present);
    outputs.fused = view.fuse(outputs.encoded).logits;
    outputs.unimodal = student->unimodal_logits(outputs.encoded);
    return outputs;
  }
  /// Outputs after the method's forward hook.
  template <class Method>
  [[nodiscard]] method::Outputs shown(Method& method, std::int64_t epoch = 0, std::int64_t step = 0) const {
    auto given = outputs();
    method.forward(context(epoch, step), given);
    return given;
  }
  template <class Method>
  [[nodiscard]] method::Terms terms(Method& method, const method::Outputs& given) const {
    method::Terms terms;
    method.loss(context(), given, terms);
    return terms;
  }
};

/// A run whose services are prescribed.
struct Prescribed final : method::Run {
  explicit Prescribed(const method::StudentView& student_) : view(student_) {}

  const method::StudentView& view;
  std::int64_t coming = 0;
  method::FeatureTable train = {}, held_out = {};
  std::function<method::TrialResult(std::int64_t)> on_trial = {};
  std::vector<std::int64_t> asked = {};  ///< For how many samples, of either split.

  [[nodiscard]] std::int64_t epoch() const override { return coming; }
  [[nodiscard]] std::int64_t num_epochs() const override { return 40; }
  [[nodiscard]] const method::StudentView& student() const override { return view; }
  [[nodiscard]] const method::ValidationResult* validation() const override { return nullptr; }
  [[nodiscard]] std::int64_t size(Split split) const override {
    return (split == Split::Train ? train : held_out).target.size(0);
  }
  [[nodiscard]] method::FeatureTable features(Split split, std::int64_t max_samples) override {
    asked.push_back(max_samples);
    const auto& all = split == Split::Train ? train : held_out;
    const auto count = std::min(max_samples, all.target.size(0));
    method::FeatureTable some{{}, all.target.narrow(0, 0, count), all.rows.narrow(0, 0, count), {}};
    for (const auto& features : all.features) some.features.push_back(features.narrow(0, 0, count));
    if (all.present.defined()) some.present = all.present.narrow(0, 0, count);
    return some;
  }
  [[nodiscard]] g2d::Batch batch(Split, std::int64_t) override { throw std::logic_error("not asked for"); }
  [[nodiscard]] method::TrialResult trial(std::int64_t num_epochs) override { return on_trial(num_epochs); }
};

inline method::FeatureTable table_of(const Scene& scene) {
  const at::NoGradGuard no_grad;
  return {scene.student->encode(scene.batch.inputs, scene.batch.present), scene.batch.target,
          torch::arange(num_samples), scene.batch.present};
}

template <class Method>
method::Plan planned(Method& method, std::int64_t epoch, std::size_t modalities = 2) {
  method::Plan plan{.controls = method::Controls(modalities)};
  method.plan(epoch, plan);
  return plan;
}

template <class Method>
g2d::method::Any on_supervised(Method method) {
  return method::Stack(method::Supervised<Classification>(), std::move(method));
}

/// Every third sample lacks the first modality, every third one the second.
inline at::Tensor some_absent(std::int64_t count) {
  const auto turn = torch::arange(count).remainder(3);
  return torch::stack({turn.ne(0), turn.ne(1)}, 1);
}

}  // namespace g2d_test
