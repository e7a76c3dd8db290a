// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>

#include <g2d/core/seed.hpp>
#include <g2d/data/splits.hpp>

namespace g2d::dataset::detail {

/// One generator for each split, for one purpose of one kind of made-up data: the test split stays the same when the
/// number of training samples changes. `salt` keeps the kinds apart, and all of them from what a trainer draws for
/// `seed`.
[[nodiscard]] inline data::Splits<at::Generator> split_generators(std::uint64_t seed, std::uint64_t salt,
                                                                  std::uint64_t purpose) {
  const auto stream_seed = mix_seed(mix_seed(seed, salt), purpose);
  return {make_generator(stream_seed, 0), make_generator(stream_seed, 1), make_generator(stream_seed, 2)};
}

}  // namespace g2d::dataset::detail
