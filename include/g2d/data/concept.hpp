// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstdint>
#include <string>

#include <g2d/core/batch.hpp>
#include <g2d/core/modality_names.hpp>

/// Datasets: samples of M inputs, a target and a stable id, found by their row.
///
/// A dataset is a plain class:
///
///     struct Mine {
///       const g2d::ModalityNames& names() const;
///       std::int64_t size() const;
///       g2d::Batch batch(const at::Tensor& rows) const;   // rows: int64 [B] in host memory, in [0, size())
///       bool is_deterministic() const;                    // false where a transform is random: no teacher cache then
///       std::string fingerprint() const;                  // of the samples and their transform
///     };
namespace g2d::data {

template <class Dataset>
concept DatasetPolicy = requires(const Dataset& dataset, const at::Tensor& rows) {
  { dataset.names() } -> std::convertible_to<const ModalityNames&>;
  { dataset.size() } -> std::convertible_to<std::int64_t>;
  { dataset.batch(rows) } -> std::same_as<Batch>;
  { dataset.is_deterministic() } -> std::convertible_to<bool>;
  { dataset.fingerprint() } -> std::convertible_to<std::string>;
};

}  // namespace g2d::data
