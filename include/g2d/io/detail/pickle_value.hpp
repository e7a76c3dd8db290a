// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace g2d::io::detail {

/// A name that a pickle would import: "collections", "OrderedDict".
struct PickleGlobal {
  std::string_view module;
  std::string_view name;
};

/// One storage of the archive, of which any number of tensors may be views.
struct PickleStorage {
  std::string_view key;
  at::ScalarType dtype;
  std::int64_t num_elements;
};

struct PickleList;  // a tuple too
struct PickleDict;

/// Texts point into the pickle, containers belong to the machine; None is monostate.
using PickleValue = std::variant<std::monostate, bool, std::int64_t, double, std::string_view, PickleGlobal,
                                 PickleStorage, PickleList*, PickleDict*, at::Tensor>;

struct PickleList {
  std::vector<PickleValue> items;
};

struct PickleDict {
  std::vector<std::pair<PickleValue, PickleValue>> items;
};

}  // namespace g2d::io::detail
