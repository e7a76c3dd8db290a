// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <g2d/core/output_kind.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/data/splits.hpp>

/// The datasets of the literature, read from their public layouts.
namespace g2d::dataset {

/// What a dataset's targets are.
struct Target {
  OutputKind kind = OutputKind::Classes;
  std::int64_t num_outputs = 0;         ///< Classes, labels, or values.
  std::vector<std::string> names = {};  ///< Of the classes or labels, in the order of their numbers; of the values.
  std::string unit = {};                ///< Of the values: "USD".
};

/// A dataset on disk: its splits, ready to be streamed or loaded.
struct Dataset {
  std::string name;
  data::Splits<data::Samples> splits;
  Target target;
  std::string description;  ///< Everything that was decided while reading it: preprocessing, splits, seed.
  std::vector<std::string> warnings = {};  ///< What was left out, and why.
};

}  // namespace g2d::dataset
