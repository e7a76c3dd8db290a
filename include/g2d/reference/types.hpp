// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Core>

#include <cstdint>
#include <vector>

namespace g2d::reference {

/// Everything is double precision. Rows are samples.
using Matrix = Eigen::MatrixXd;
using RowVector = Eigen::RowVectorXd;

/// One matrix for each modality, in declared order; the samples are the same, the widths may differ.
using PerModality = std::vector<Matrix>;

/// One class index for each sample.
using Labels = std::vector<std::int64_t>;

}  // namespace g2d::reference
