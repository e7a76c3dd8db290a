// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>

#include <g2d/transform/any.hpp>
#include <g2d/transform/chain.hpp>

namespace g2d::data {

/// How one modality of a dataset is read: an entry is decoded, then transformed. Several threads read at once.
struct ModalityReader {
  std::string name;
  /// Without batch dimension. Errors: DataError naming the file.
  std::function<at::Tensor(std::int64_t entry)> decode;
  transform::Any transform = transform::Chain();
  std::function<std::string()> fingerprint = {};  ///< Of what is decoded; asked for only when it is needed.
  bool is_sequence = false;  ///< Samples [T, ...] of different lengths: padded with zeros, lengths beside.
};

}  // namespace g2d::data
