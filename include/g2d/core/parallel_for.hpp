// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>
#include <ATen/ops/arange.h>

#include <cstdint>

namespace g2d {

/// Calls `run(begin, end)` for pieces of [0, count), `grain` or more each, on the threads of LibTorch's operators.
///
/// `at::parallel_for` is one thread in a program that is not compiled with OpenMP, whatever LibTorch was compiled with.
/// Its own loops are not: this is one of them, over the indices.
template <class Run>
void parallel_for(std::int64_t count, std::int64_t grain, Run&& run) {
  if (count <= grain || at::get_num_threads() == 1) return run(std::int64_t{0}, count);
  const auto indices = at::arange(count, at::kLong);
  at::TensorIterator::borrowing_nullary_op(indices).for_each(
      [&](char** data, const std::int64_t*, std::int64_t size, std::int64_t) {
        const auto begin = *reinterpret_cast<const std::int64_t*>(data[0]);
        run(begin, begin + size);
      },
      grain);
}

}  // namespace g2d
