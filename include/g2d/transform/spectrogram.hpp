// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>

#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/centred_stft.hpp>
#include <g2d/transform/padding.hpp>

namespace g2d::transform {

/// Settings of Spectrogram. The defaults are the paper's for CREMA-D; VGGSound has n_fft 256, hop 128.
struct SpectrogramOptions {
  std::int64_t n_fft = 512;  ///< Samples in a frame, in its window and in its transform.
  std::int64_t hop = 353;    ///< Samples from one frame to the next.
  Padding padding = Padding::Zeros;
  std::optional<double> log_offset = 1e-7;  ///< Added before the logarithm; std::nullopt: the magnitude itself.
};

/// Log magnitude of the short-time Fourier transform.
///
///     hann[n] = (1 - cos(2 pi n / n_fft)) / 2
///     X[k, t] = sum_n hann[n] x[t hop + n - n_fft / 2] exp(-2 pi i k n / n_fft)
///     S[k, t] = log(|X[k, t]| + log_offset)
///
/// Shapes     in: [L]; out: [1, n_fft / 2 + 1, 1 + L / hop].
/// Dtype      floating; the output shares it. Computed in double.
/// Units      natural logarithm of magnitude.
/// Errors     ConfigError for settings out of range; ShapeError unless the sample is a waveform long enough.
/// Source     np.log(np.abs(librosa.stft(x, n_fft=n_fft, hop_length=hop)) + log_offset), as in the authors' code.
class Spectrogram {
 public:
  using Options = SpectrogramOptions;

  explicit Spectrogram(const Options& options = {})
      : log_offset_(options.log_offset), stft_(options.n_fft, options.hop, options.padding, "transform::Spectrogram") {
    detail::check_log_offset(log_offset_, "transform::Spectrogram");
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& waveform) const {
    auto spectrogram = stft_.magnitude(waveform);
    if (log_offset_) spectrogram.add_(*log_offset_).log_();
    return spectrogram.unsqueeze(0).to(waveform.scalar_type());
  }

  [[nodiscard]] std::string description() const {
    return "spectrogram " + stft_.description() +
           (log_offset_ ? fmt::format(" log offset {}", *log_offset_) : " magnitude");
  }

 private:
  std::optional<double> log_offset_;
  detail::CentredStft stft_;
};

static_assert(TransformPolicy<Spectrogram>);

}  // namespace g2d::transform
