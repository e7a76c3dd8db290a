// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/centred_stft.hpp>
#include <g2d/transform/detail/slaney_mel.hpp>
#include <g2d/transform/padding.hpp>

namespace g2d::transform {

/// Settings of MelSpectrogram.
struct MelSpectrogramOptions {
  double sample_rate = 16000;  ///< Hz.
  std::int64_t n_fft = 512;    ///< Samples in a frame, in its window and in its transform.
  std::int64_t hop = 256;      ///< Samples from one frame to the next.
  std::int64_t bands = 64;
  double f_min = 0;                            ///< Hz.
  std::optional<double> f_max = std::nullopt;  ///< Hz; half the sample rate if not given.
  Padding padding = Padding::Zeros;
  std::optional<double> log_offset = 1e-7;  ///< Added before the logarithm; std::nullopt: the power itself.
};

/// Log power in bands of equal width on Slaney's mel scale.
///
///     P[b, t] = sum_k w[b, k] |X[k, t]|^2          (X as in Spectrogram; w: triangles over frequency of area 1)
///     S[b, t] = log(P[b, t] + log_offset)
///
/// Shapes     in: [L]; out: [1, bands, 1 + L / hop].
/// Dtype      floating; the output shares it. Computed in double.
/// Units      natural logarithm of power.
/// Errors     ConfigError for settings out of range, or a band so narrow that no frequency falls into it; ShapeError
///            unless the sample is a waveform long enough.
/// Source     librosa.feature.melspectrogram (Slaney scale and norm, power 2); M. Slaney, Auditory Toolbox, 1998.
class MelSpectrogram {
 public:
  using Options = MelSpectrogramOptions;

  explicit MelSpectrogram(const Options& options = {})
      : options_(options), stft_(options.n_fft, options.hop, options.padding, "transform::MelSpectrogram") {
    const auto half_rate = options.sample_rate / 2;
    const auto f_max = options.f_max.value_or(half_rate);
    if (options.bands < 1 || !(options.f_min >= 0) || !(options.f_min < f_max) || !(f_max <= half_rate)) {
      throw ConfigError(
          fmt::format("g2d: transform::MelSpectrogram: expected bands >= 1 and 0 <= f_min < f_max <= sample_rate / 2, "
                      "got bands {}, f_min {}, f_max {}, sample_rate {}",
                      options.bands, options.f_min, f_max, options.sample_rate));
    }
    detail::check_log_offset(options.log_offset, "transform::MelSpectrogram");
    filters_ = detail::slaney_mel_filters(options.sample_rate, options.n_fft, options.bands, options.f_min, f_max);
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& waveform) const {
    const auto magnitude = stft_.magnitude(waveform);
    auto power = filters_.to(magnitude.device()).matmul(magnitude.square());
    if (options_.log_offset) power.add_(*options_.log_offset).log_();
    return power.unsqueeze(0).to(waveform.scalar_type());
  }

  /// The triangles, double [bands, n_fft / 2 + 1].
  [[nodiscard]] const at::Tensor& filters() const { return filters_; }

  [[nodiscard]] std::string description() const {
    return fmt::format("mel spectrogram {} Hz {}, {} bands {} to {} Hz{}", options_.sample_rate, stft_.description(),
                       options_.bands, options_.f_min, options_.f_max.value_or(options_.sample_rate / 2),
                       options_.log_offset ? fmt::format(" log offset {}", *options_.log_offset) : " power");
  }

 private:
  Options options_;
  detail::CentredStft stft_;
  at::Tensor filters_;
};

static_assert(TransformPolicy<MelSpectrogram>);

}  // namespace g2d::transform
