// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace g2d::dataset {

/// Which columns of a table become numbers, and how.
struct TableColumns {
  std::vector<std::string> numbers = {};  ///< Filled with the training median, then standardised by the training rows.
  std::vector<std::string> categories = {};  ///< One column of 0 and 1 for each text of the training rows.
  std::int64_t min_count = 1;                ///< A text of fewer training rows gets no column: 0 everywhere.
};

}  // namespace g2d::dataset
