// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

namespace g2d::method {

/// What a method asks of a step, besides the student's fused output. What nobody asks for is not computed.
struct Needs {
  bool unimodal = false;            ///< Outputs::unimodal.
  bool teachers = false;            ///< Teachers: their features, and what their source keeps of their mean.
  bool teacher_logits = false;      ///< Teachers, and the logits of each of them.
  bool separate_gradients = false;  ///< GradientView::for_each_separate.
  /// The inputs of all modalities; else those of encoders that need not be run may be without values.
  bool inputs = false;
};

/// What two methods need together.
[[nodiscard]] constexpr Needs operator|(const Needs& a, const Needs& b) {
  return {.unimodal = a.unimodal || b.unimodal,
          .teachers = a.teachers || b.teachers,
          .teacher_logits = a.teacher_logits || b.teacher_logits,
          .separate_gradients = a.separate_gradients || b.separate_gradients,
          .inputs = a.inputs || b.inputs};
}

}  // namespace g2d::method
