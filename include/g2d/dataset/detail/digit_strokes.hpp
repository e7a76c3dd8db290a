// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace g2d::dataset::detail {

struct StrokePoint {
  double x;
  double y;
};

/// The digits as a pen writes them without being lifted: polylines in the unit square, y downwards.
[[nodiscard]] inline std::array<std::vector<StrokePoint>, 10> digit_polylines() {
  // clang-format off
  return {{
      {{.50, .00}, {.70, .06}, {.82, .24}, {.86, .50}, {.82, .76}, {.70, .94}, {.50, 1.0}, {.30, .94}, {.18, .76},
       {.14, .50}, {.18, .24}, {.30, .06}, {.50, .00}},
      {{.30, .25}, {.55, .00}, {.55, 1.0}},
      {{.15, .25}, {.25, .07}, {.50, .00}, {.75, .07}, {.85, .27}, {.75, .47}, {.45, .72}, {.12, 1.0}, {.88, 1.0}},
      {{.15, .10}, {.45, .00}, {.75, .08}, {.82, .25}, {.70, .42}, {.42, .48}, {.72, .55}, {.86, .75}, {.72, .93},
       {.42, 1.0}, {.12, .90}},
      {{.68, 1.0}, {.68, .00}, {.10, .68}, {.92, .68}},
      {{.82, .00}, {.25, .00}, {.20, .45}, {.50, .38}, {.78, .48}, {.86, .70}, {.74, .92}, {.45, 1.0}, {.14, .90}},
      {{.70, .00}, {.40, .20}, {.20, .50}, {.17, .75}, {.30, .95}, {.52, 1.0}, {.76, .92}, {.83, .72}, {.72, .53},
       {.50, .46}, {.28, .55}, {.18, .70}},
      {{.12, .00}, {.86, .00}, {.60, .40}, {.40, 1.0}},
      {{.50, .47}, {.25, .36}, {.20, .20}, {.30, .05}, {.50, .00}, {.70, .05}, {.80, .20}, {.75, .36}, {.50, .47},
       {.22, .60}, {.14, .78}, {.26, .95}, {.50, 1.0}, {.74, .95}, {.86, .78}, {.78, .60}, {.50, .47}},
      {{.80, .30}, {.70, .48}, {.48, .54}, {.26, .46}, {.18, .27}, {.28, .07}, {.50, .00}, {.72, .08}, {.82, .28},
       {.78, .65}, {.62, 1.0}},
  }};
  // clang-format on
}

/// `count` points at equal distances along each polyline, relative to the centre of the unit square.
///
/// Shapes     out: float32 [10, count, 2], the last dimension being x, y.
[[nodiscard]] inline at::Tensor digit_strokes(std::int64_t count) {
  auto strokes = at::empty({10, count, 2}, at::kFloat);
  auto* out = strokes.mutable_data_ptr<float>();
  for (const auto& line : digit_polylines()) {
    std::vector<double> travelled{0};
    for (std::size_t i = 1; i < line.size(); ++i) {
      travelled.push_back(travelled.back() + std::hypot(line[i].x - line[i - 1].x, line[i].y - line[i - 1].y));
    }
    std::size_t end = 1;
    for (std::int64_t k = 0; k < count; ++k) {
      const double distance = travelled.back() * static_cast<double>(k) / static_cast<double>(count - 1);
      while (end + 1 < line.size() && travelled[end] < distance) ++end;
      const double share = (distance - travelled[end - 1]) / (travelled[end] - travelled[end - 1]);
      *out++ = static_cast<float>(std::lerp(line[end - 1].x, line[end].x, share) - 0.5);
      *out++ = static_cast<float>(std::lerp(line[end - 1].y, line[end].y, share) - 0.5);
    }
  }
  return strokes;
}

}  // namespace g2d::dataset::detail
