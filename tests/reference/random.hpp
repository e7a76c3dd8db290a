// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <g2d/reference/linear.hpp>
#include <g2d/reference/types.hpp>

namespace g2d_test {

/// Numbers in [-1, 1) from a fixed seed, the same with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  double number() { return 2.0 * static_cast<double>(engine_() >> 11) * 0x1p-53 - 1.0; }

  g2d::reference::Matrix matrix(Eigen::Index rows, Eigen::Index columns) {
    g2d::reference::Matrix result(rows, columns);
    for (Eigen::Index i = 0; i < result.size(); ++i) result.data()[i] = number();
    return result;
  }

  g2d::reference::PerModality matrices(Eigen::Index rows, const std::vector<Eigen::Index>& widths) {
    g2d::reference::PerModality result;
    for (const Eigen::Index width : widths) result.push_back(matrix(rows, width));
    return result;
  }

  g2d::reference::Linear linear(Eigen::Index in, Eigen::Index out) { return {matrix(out, in), matrix(1, out)}; }

  g2d::reference::Matrix bits(Eigen::Index rows, Eigen::Index columns) {
    return (matrix(rows, columns).array() > 0.0).cast<double>();
  }

  g2d::reference::Labels labels(std::size_t count, std::int64_t num_classes) {
    g2d::reference::Labels result(count);
    for (std::int64_t& label : result) label = static_cast<std::int64_t>(engine_() >> 33) % num_classes;
    return result;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace g2d_test
