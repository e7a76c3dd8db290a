// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/stft.h>
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/transform/detail/check_sample.hpp>
#include <g2d/transform/padding.hpp>

namespace g2d::transform::detail {

/// |STFT| with a periodic Hann window of n_fft samples, frames centred on multiples of hop.
class CentredStft {
 public:
  CentredStft(std::int64_t n_fft, std::int64_t hop, Padding padding, std::string_view where)
      : n_fft_(n_fft), hop_(hop), padding_(padding), where_(where) {
    if (n_fft < 2 || hop < 1) {
      throw ConfigError(
          fmt::format("g2d: {}: expected n_fft >= 2 and hop >= 1, got n_fft {} and hop {}", where_, n_fft, hop));
    }
    window_ = at::hann_window(n_fft, at::kDouble);
  }

  /// [n_fft / 2 + 1, frames], always in double: librosa does so too, and single precision would miss quiet cells beside
  /// loud ones.
  [[nodiscard]] at::Tensor magnitude(const at::Tensor& waveform) const {
    check_waveform(waveform, where_);
    check_floating(waveform, where_);
    if (padding_ == Padding::Reflect && waveform.size(0) <= n_fft_ / 2) {
      throw ShapeError(
          fmt::format("g2d: {}: expected more than n_fft / 2 = {} samples to reflect, got {}; tile or pad first",
                      where_, n_fft_ / 2, waveform.size(0)));
    }
    return at::stft(waveform.to(at::kDouble), n_fft_, hop_, n_fft_, window_.to(waveform.device()), /*center=*/true,
                    padding_ == Padding::Zeros ? "constant" : "reflect", /*normalized=*/false, /*onesided=*/true,
                    /*return_complex=*/true)
        .abs();
  }

  [[nodiscard]] std::string description() const {
    return fmt::format("n_fft {} hop {} periodic hann centred padding {}", n_fft_, hop_, name_of(padding_));
  }

 private:
  std::int64_t n_fft_;
  std::int64_t hop_;
  Padding padding_;
  std::string where_;
  at::Tensor window_;
};

inline void check_log_offset(std::optional<double> log_offset, std::string_view where) {
  if (!log_offset || *log_offset > 0) return;
  throw ConfigError(
      fmt::format("g2d: {}: expected log_offset > 0, got {}; use std::nullopt for no logarithm", where, *log_offset));
}

}  // namespace g2d::transform::detail
