// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/fingerprint.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/teacher_outputs.hpp>
#include <g2d/task/concept.hpp>
#include <g2d/teacher/teacher.hpp>

namespace g2d {

/// One teacher for each modality, in the student's order.
///
/// Errors     ConfigError naming the modality when there are too few, or their numbers of outputs differ.
class Teachers {
 public:
  Teachers(ModalityNames names, std::vector<Teacher> teachers)
      : names_(std::move(names)), teachers_(std::move(teachers)) {
    if (teachers_.size() != names_.size()) {
      throw ConfigError(fmt::format("g2d: Teachers: expected {} teachers ({}), got {}", names_.size(), names_.joined(),
                                    teachers_.size()));
    }
    for (std::size_t m = 1; m < teachers_.size(); ++m) {
      if (teachers_[m].num_outputs() != teachers_[0].num_outputs()) {
        throw ConfigError(fmt::format("g2d: Teachers: modality \"{}\": expected {} outputs as teacher \"{}\", got {}",
                                      names_[m], teachers_[0].num_outputs(), names_[0], teachers_[m].num_outputs()));
      }
    }
  }

  [[nodiscard]] const ModalityNames& names() const { return names_; }
  [[nodiscard]] std::size_t size() const { return teachers_.size(); }
  [[nodiscard]] const Teacher& operator[](std::size_t m) const { return teachers_[m]; }
  [[nodiscard]] std::int64_t num_outputs() const { return teachers_[0].num_outputs(); }

  /// Evaluates all teachers on a batch; confidences stay on the batch's device, 0 for samples that lack the modality.
  template <task::TaskPolicy Task>
  [[nodiscard]] TeacherOutputs operator()(const Batch& batch, const Task& task,
                                          Precision precision = Precision::Full) const {
    auto outputs = predict(batch, precision);
    std::vector<at::Tensor> confidence;
    for (std::size_t m = 0; m < teachers_.size(); ++m) {
      const auto present = present_column(batch, m);
      confidence.push_back(task.confidence(outputs.logits[m], batch.target));
      if (present.defined()) confidence[m] = at::where(present, confidence[m], confidence[m].new_zeros({}));
    }
    outputs.confidence = at::stack(confidence, 1);
    return outputs;
  }

  /// The same without confidences.
  [[nodiscard]] TeacherOutputs predict(const Batch& batch, Precision precision = Precision::Full) const {
    TeacherOutputs outputs;
    for (std::size_t m = 0; m < teachers_.size(); ++m) {
      auto [features, logits] = teachers_[m](without_absent(batch.inputs[m], present_column(batch, m)), precision);
      outputs.features.push_back(std::move(features));
      outputs.logits.push_back(std::move(logits));
    }
    return outputs;
  }

  [[nodiscard]] TeacherSummary summary(PerModality<double> confidence) const {
    TeacherSummary summary{{}, num_outputs(), std::move(confidence), {}, names_};
    for (const auto& teacher : teachers_) summary.feature_widths.push_back(teacher.feature_width());
    return summary;
  }

  /// The dtype that holds the outputs of all of them.
  [[nodiscard]] at::ScalarType dtype() const {
    auto dtype = c10::typeMetaToScalarType(teachers_[0].options().dtype());
    for (const auto& teacher : teachers_) {
      dtype = c10::promoteTypes(dtype, c10::typeMetaToScalarType(teacher.options().dtype()));
    }
    return dtype;
  }

  [[nodiscard]] std::string fingerprint() const {
    Fingerprint fingerprint;
    for (std::size_t m = 0; m < teachers_.size(); ++m) fingerprint.add(names_[m]).add(teachers_[m].fingerprint());
    return fingerprint.str();
  }

 private:
  ModalityNames names_;
  std::vector<Teacher> teachers_;
};

}  // namespace g2d
