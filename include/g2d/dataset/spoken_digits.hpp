// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include <cstdint>
#include <numbers>
#include <optional>

namespace g2d::dataset {
namespace detail {

/// First and second formant, in Hz, at the start and at the end of each digit's voiced part, after the vowels of the
/// English words zero to nine: [10, 4].
[[nodiscard]] inline at::Tensor digit_formants() {
  return at::tensor({320.0F, 2200.0F, 520.0F, 900.0F,   //
                     360.0F, 800.0F,  640.0F, 1250.0F,  //
                     320.0F, 1750.0F, 310.0F, 950.0F,   //
                     440.0F, 1250.0F, 290.0F, 2300.0F,  //
                     560.0F, 850.0F,  560.0F, 1050.0F,  //
                     780.0F, 1200.0F, 380.0F, 2150.0F,  //
                     400.0F, 1950.0F, 420.0F, 2050.0F,  //
                     580.0F, 1850.0F, 480.0F, 1350.0F,  //
                     500.0F, 1850.0F, 320.0F, 2350.0F,  //
                     660.0F, 1050.0F, 300.0F, 1700.0F})
      .view({10, 4});
}

}  // namespace detail

/// Speaks digits in a toy voice: two gliding formants, pulsed by the voice's pitch, inside a second of silence.
///
///     x(t) = sin(pi u) (1 + cos(2 pi pitch t)) (sin phi_1 + 0.5 sin phi_2),   u = (t - onset) / duration in 0 … 1
///     phi_j' = 2 pi voice ((1 - u) start_j + u end_j)
///
/// with pitch uniform in 90 … 220 Hz, duration in 0.3 … 0.7 s, onset uniform in what is left of the second, and voice =
/// exp(0.08 N(0, 1)), the length of the throat. `strength` 1 takes the digits' own formants, 0 the mean of all ten,
/// whatever the label: no class can be told.
///
/// Shapes     labels int64 [N], 0 to 9; out: float32 [N, 8000], 8000 samples a second.
[[nodiscard]] inline at::Tensor speak_digits(const at::Tensor& labels, double strength,
                                             const at::Generator& generator) {
  constexpr std::int64_t num_samples = 8000;
  constexpr double sample_rate = 8000;
  constexpr double turn = 2 * std::numbers::pi;
  const auto count = labels.size(0);
  const auto uniform = [&](double low, double high) {
    return at::rand({count, 1}, std::optional(generator), at::kFloat) * (high - low) + low;
  };

  const auto formants = detail::digit_formants();
  const auto voice = (0.08 * at::randn({count, 1}, std::optional(generator), at::kFloat)).exp();
  const auto targets = voice * formants.mean(0, /*keepdim=*/true).lerp(formants, strength).index_select(0, labels);
  const auto pitch = uniform(90, 220);
  const auto duration = uniform(0.3, 0.7);
  const auto onset = (1 - duration) * uniform(0, 1);

  const auto time = (at::arange(num_samples, at::kFloat) / sample_rate).unsqueeze(0);
  auto waveforms = at::empty({count, num_samples}, at::kFloat);
  constexpr std::int64_t rows_at_once = 64;  // the intermediate values stay in the cache
  for (std::int64_t first = 0; first < count; first += rows_at_once) {
    const auto rows = [&](const at::Tensor& values) { return values.slice(0, first, first + rows_at_once); };
    const auto length = rows(duration);
    const auto since = ((time - rows(onset)).clamp_min(0)).minimum(length);
    const auto tone = [&](std::int64_t formant) {
      const auto start = rows(targets).narrow(1, formant, 1);
      const auto end = rows(targets).narrow(1, formant + 2, 1);
      const auto bend = (end - start) / (2 * length);
      return (since * (start + bend * since)).mul_(turn).sin_();
    };
    const auto pulses = (since * rows(pitch)).mul_(turn).cos_().add_(1);
    const auto envelope = (since / length).mul_(std::numbers::pi).sin_().clamp_min_(0);
    rows(waveforms).copy_(tone(0).add_(tone(1), 0.5).mul_(pulses).mul_(envelope));
  }
  return waveforms;
}

}  // namespace g2d::dataset
