// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

namespace g2d::schedule {

/// The order in which a sequential schedule takes the modalities.
enum class Order {
  WeakFirst,    ///< Ascending confidence of the teachers: the paper.
  StrongFirst,  ///< Descending: an ablation.
  Random,       ///< Drawn from the schedule's seed: an ablation.
  Declared,     ///< As declared by the user, who knows better.
};

}  // namespace g2d::schedule
