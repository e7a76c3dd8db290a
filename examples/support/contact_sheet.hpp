// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/_upsample_nearest_exact2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>

#include <cstdint>
#include <vector>

/// Pictures of samples of any kind, as uint8 [3, size, size].
namespace contact_sheet {

enum class Kind { Image, Spectrogram, Sequence };

/// Smallest to largest value of a channel stack as 0 to 1.
[[nodiscard]] inline at::Tensor stretch(const at::Tensor& values) {
  const auto low = values.min();
  return values.sub(low).div(values.max().sub(low).clamp_min(1e-12));
}

/// Dark blue over green to yellow, for values in [0, 1]: [H, W] -> [3, H, W].
[[nodiscard]] inline at::Tensor heat(const at::Tensor& values) {
  const auto ramp = [&](double at_zero, double at_half, double at_one) {
    const auto lower = values.mul(2.0 * (at_half - at_zero)).add(at_zero);
    const auto upper = values.sub(0.5).mul(2.0 * (at_one - at_half)).add(at_half);
    return at::where(values.lt(0.5), lower, upper);
  };
  return at::stack({ramp(0.27, 0.13, 0.99), ramp(0.0, 0.57, 0.91), ramp(0.33, 0.55, 0.14)});
}

/// A sample as a picture [3, H, W] of values in [0, 1]: colour images and first frames as they are, grey images,
/// spectrograms (low frequencies below) and sequences (time to the right) as heat, a row of numbers as stripes.
[[nodiscard]] inline at::Tensor picture(at::Tensor sample, Kind kind) {
  sample = sample.to(at::kFloat);
  if (sample.dim() == 4) sample = sample.select(1, 0);
  if (sample.dim() == 3 && sample.size(0) == 3) return stretch(sample);
  if (sample.dim() == 3) sample = sample.select(0, 0);
  if (sample.dim() < 2) sample = sample.reshape({1, -1});
  const auto colours = heat(stretch(sample));
  if (kind == Kind::Sequence) return colours.transpose(1, 2);
  return kind == Kind::Spectrogram ? colours.flip(1) : colours;
}

[[nodiscard]] inline at::Tensor cell(const at::Tensor& sample, Kind kind, std::int64_t size) {
  const auto image = picture(sample, kind).unsqueeze(0);
  const bool shrinks = image.size(2) > size && image.size(3) > size;
  const auto scaled = shrinks ? at::_upsample_bilinear2d_aa(image, {size, size}, /*align_corners=*/false)
                              : at::_upsample_nearest_exact2d(image, {size, size});
  return scaled.squeeze(0).mul(255.0).clamp(0.0, 255.0).to(at::kByte);
}

[[nodiscard]] inline at::Tensor blank(std::int64_t height, std::int64_t width) {
  return at::full({3, height, width}, 255, at::kByte);
}

/// Rows of equally many cells, with white lines between them.
[[nodiscard]] inline at::Tensor arrange(const std::vector<std::vector<at::Tensor>>& rows) {
  constexpr std::int64_t gap = 4;
  std::vector<at::Tensor> lines;
  for (const auto& row : rows) {
    std::vector<at::Tensor> parts;
    for (const auto& image : row) {
      parts.push_back(image);
      parts.push_back(blank(image.size(1), gap));
    }
    parts.pop_back();
    lines.push_back(at::cat(parts, 2));
    lines.push_back(blank(gap, lines.back().size(2)));
  }
  lines.pop_back();
  return at::cat(lines, 1);
}

}  // namespace contact_sheet
