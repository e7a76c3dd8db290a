// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/stft.h>
#include <ATen/ops/view_as_real.h>
#include <fmt/format.h>

#include <cstdint>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>

namespace g2d::dataset {

/// Settings of log_spectrogram. The defaults turn one second at 8 kHz into 32 bands of 125 Hz by 32 frames of 32 ms.
struct LogSpectrogramOptions {
  std::int64_t window = 512;  ///< Samples in the periodic Hann window, which is also the length of the transform.
  std::int64_t hop = 256;     ///< Samples from one frame to the next.
  std::int64_t bands = 32;    ///< Bands of equal width from 0 to half the sample rate; must divide window / 2.
  double floor = 1e-2;        ///< Added before the logarithm; 1 is the mean power of the recording in every band.
};

/// Log power in frequency bands over time.
///
///     x        = waveform / rms(waveform)                                    (so loudness carries nothing)
///     P[k, t]  = |STFT(x)[k, t]|^2 / sum_n window[n]^2,  k = 1 … window / 2   (zero frequency is dropped)
///     S[f, t]  = log(mean over the k of band f of P[k, t] + floor)
///
/// Shapes     in: [N, L]; out: [N, 1, bands, 1 + L / hop]. Frames are centred on multiples of hop, zeros lie beyond.
/// Dtype      floating; the output shares dtype and device.
/// Units      natural logarithm of power relative to the recording's mean power density.
/// Errors     ConfigError for options that do not fit together; ShapeError unless the waveforms are [N, L].
/// Source     the transform is at::stft with center, zero padding, no normalisation; levels and bands are ours.
[[nodiscard]] inline at::Tensor log_spectrogram(const at::Tensor& waveforms,
                                                const LogSpectrogramOptions& options = {}) {
  if (options.window < 2 || options.hop < 1 || options.bands < 1 || options.window % (2 * options.bands) != 0 ||
      !(options.floor > 0)) {
    throw ConfigError(
        fmt::format("g2d: dataset::log_spectrogram: expected hop >= 1, bands that divide window / 2 and floor > 0, got "
                    "window {}, hop {}, "
                    "bands {}, floor {}",
                    options.window, options.hop, options.bands, options.floor));
  }
  check_matrix(waveforms, -1, -1, "dataset::log_spectrogram: waveforms");

  const auto window = at::hann_window(options.window, waveforms.options());
  const auto window_energy = window.square().sum();
  constexpr double smallest_level = 1e-12;  // silence stays silence instead of becoming 0 / 0
  constexpr std::int64_t rows_at_once = 512;
  std::vector<at::Tensor> parts;
  for (const auto& rows : waveforms.split(rows_at_once)) {
    const auto level = rows.square().mean(1, /*keepdim=*/true).sqrt().clamp_min(smallest_level);
    const auto transform = at::stft(rows / level, options.window, options.hop, options.window, window, /*center=*/true,
                                    "constant", /*normalized=*/false, /*onesided=*/true, /*return_complex=*/true);
    const auto power =
        at::view_as_real(transform).square().sum(-1).narrow(1, 1, options.window / 2).div_(window_energy);
    const auto bands = power.unflatten(1, {options.bands, -1}).mean(2);
    parts.push_back(bands.add(options.floor).log_().unsqueeze(1));
  }
  return at::cat(parts);
}

}  // namespace g2d::dataset
