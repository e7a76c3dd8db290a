// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include <g2d/method/control.hpp>

namespace g2d::method {

/// The samples of an epoch, where they are not each of the dataset's once.
struct SampleView {
  at::Tensor rows;  ///< Rows of the dataset, int64 [K], in any order; repeated ones are seen again.
  at::Tensor keep;  ///< bool [K, M]: the modalities that each of them shows; undefined: all that it has.
};

struct EpochSpan {
  std::int64_t first = 0;
  std::int64_t num_epochs = 1;
};

/// What a method decides before an epoch.
struct Plan {
  Controls controls;              ///< One for each modality.
  std::int64_t num_substeps = 1;  ///< Updates made of each batch; `StepContext::substep` counts them.
  bool resets_optimizer = false;  ///< Forget momenta and moments before this epoch.
  /// What the learning-rate schedule runs over; empty: the whole run.
  std::optional<EpochSpan> learning_rate_span = {};
  std::optional<SampleView> samples = {};  ///< For the trainer; empty: every training sample once.
  bool ends_run = false;                   ///< For the trainer: this epoch and all later ones are not trained.
};

}  // namespace g2d::method
