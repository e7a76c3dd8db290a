// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <turbojpeg.h>

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/image_size.hpp>

namespace g2d::io::detail {

struct DestroyJpegDecoder {
  void operator()(void* decoder) const { tjDestroy(decoder); }
};

using JpegDecoder = std::unique_ptr<void, DestroyJpegDecoder>;

/// One decoder a thread: making one costs as much as decoding a small image.
inline JpegDecoder& jpeg_decoder() {
  thread_local JpegDecoder decoder;
  if (!decoder) decoder.reset(tjInitDecompress());
  if (!decoder) throw std::bad_alloc();
  return decoder;
}

/// uint8 [H, W, 3]. Anything that the decoder warns of is an error: it would fill the gap with grey. Errors: Malformed.
inline at::Tensor decode_jpeg(std::string_view bytes, std::int64_t max_pixels) {
  auto& decoder = jpeg_decoder();
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto size = static_cast<unsigned long>(bytes.size());
  const auto check = [&decoder](int status) {
    if (status == 0) return;
    const std::string reason = tjGetErrorStr2(decoder.get());
    decoder.reset();  // After an error in a header it would take the next file for more of this one.
    throw Malformed(fmt::format("expected a sound JPEG, got {}", reason));
  };
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colours = 0;
  check(tjDecompressHeader3(decoder.get(), data, size, &width, &height, &subsampling, &colours));
  check_image_size(width, height, max_pixels);
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    throw Malformed(
        "expected a JPEG in colour or grey, got CMYK, which is meant for printing; convert it to RGB first");
  }
  auto pixels = at::empty({height, width, 3}, at::kByte);
  check(tjDecompress2(decoder.get(), data, size, pixels.mutable_data_ptr<std::uint8_t>(), width, /*pitch=*/0, height,
                      TJPF_RGB, TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS));
  return pixels;
}

}  // namespace g2d::io::detail
