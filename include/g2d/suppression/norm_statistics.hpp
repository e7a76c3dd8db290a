// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

namespace g2d::suppression {

/// What the norm layers of a suppressed encoder do in a training step.
enum class NormStatistics {
  Frozen,   ///< Eval mode: running statistics are used and kept. The features of a sample are constants.
  Batch,    ///< The batch's statistics are used; the running ones are kept.
  Tracked,  ///< As if it were not suppressed: the running statistics move. The authors' code.
};

}  // namespace g2d::suppression
