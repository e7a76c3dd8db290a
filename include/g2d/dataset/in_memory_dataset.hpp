// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <g2d/data/in_memory.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/dataset.hpp>

namespace g2d::dataset {

/// A dataset that needs no files: its splits, ready to be trained on.
struct InMemoryDataset {
  std::string name;
  data::Splits<data::InMemory> splits;
  Target target;
  std::string description;  ///< Everything that was decided while making it.
};

}  // namespace g2d::dataset
