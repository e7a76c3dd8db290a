// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

namespace g2d::data::detail {

/// A pointer that owns nothing: a dataset that must outlive its user, beside those that the user owns.
template <class Dataset>
[[nodiscard]] std::shared_ptr<const Dataset> refer_to(const Dataset& dataset) {
  return std::shared_ptr<const Dataset>(std::shared_ptr<void>(), &dataset);
}

}  // namespace g2d::data::detail
