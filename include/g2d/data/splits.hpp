// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

namespace g2d::data {

/// One value for each of the three disjoint parts of a dataset.
template <class T>
struct Splits {
  T train;
  T validation;
  T test;
};

/// `function` called for train, validation and test, in this order, with the matching parts of the arguments.
template <class Function, class... T>
[[nodiscard]] auto map_splits(const Function& function, const Splits<T>&... parts) {
  using Result = std::invoke_result_t<const Function&, const T&...>;
  return Splits<Result>{function(parts.train...), function(parts.validation...), function(parts.test...)};
}

}  // namespace g2d::data
