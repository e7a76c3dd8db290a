// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/seed.hpp>

namespace g2d::analysis::detail {

/// bool, [B, 1, ...], or [B, T, 1, ...] for sequences: which values belong to a sample that has the modality, and to no
/// padding.
[[nodiscard]] inline at::Tensor valid_values(const Batch& batch, std::size_t m) {
  const auto& [values, lengths] = batch.inputs[m];
  std::vector<std::int64_t> shape(static_cast<std::size_t>(values.dim()), 1);
  shape[0] = values.size(0);
  const auto present = present_column(batch, m);
  const auto valid = present.defined() ? present.view(shape) : at::ones(shape, values.options().dtype(at::kBool));
  if (!lengths.defined()) return valid;
  const auto steps = at::arange(values.size(1), lengths.options()).lt(lengths.unsqueeze(1));
  shape[1] = values.size(1);
  return valid.logical_and(steps.view(shape));
}

/// The biased standard deviation of all valid values of one modality, batch after batch.
class PooledDeviation {
 public:
  void add(const Batch& batch, std::size_t m) {
    const auto& values = batch.inputs[m].values;
    const auto valid = valid_values(batch, m).expand_as(values);
    const auto kept = at::where(valid, values, values.new_zeros({})).to(at::kDouble);
    count_ += valid.sum().item<double>();
    sum_ += kept.sum().item<double>();
    squares_ += kept.square().sum().item<double>();
  }

  [[nodiscard]] double value() const {
    const double mean = sum_ / std::max(count_, 1.0);
    return std::sqrt(std::max(squares_ / std::max(count_, 1.0) - mean * mean, 0.0));
  }

 private:
  double count_ = 0.0;
  double sum_ = 0.0;
  double squares_ = 0.0;
};

/// Standard normal numbers of the input's shape and dtype, 0 on padding: a pure function of seed, modality and each
/// sample's id, whatever batch, padding or device it is in.
[[nodiscard]] inline at::Tensor unit_noise(const Input& input, const at::Tensor& ids, std::uint64_t seed,
                                           std::size_t m) {
  const auto lengths = input.lengths.defined() ? input.lengths.cpu() : at::Tensor();
  const auto noise = at::zeros(input.values.sizes(), at::kFloat);
  for (std::int64_t i = 0; i < noise.size(0); ++i) {
    auto own = noise.select(0, i);
    if (lengths.defined()) {
      own = own.narrow(0, 0, std::clamp(lengths.const_data_ptr<std::int64_t>()[i], std::int64_t{0}, own.size(0)));
    }
    const auto id = static_cast<std::uint64_t>(ids.const_data_ptr<std::int64_t>()[i]);
    own.copy_(at::randn(own.sizes(), make_generator(mix_seed(seed, id), m), at::kFloat));
  }
  return noise.to(input.values.options());
}

}  // namespace g2d::analysis::detail
