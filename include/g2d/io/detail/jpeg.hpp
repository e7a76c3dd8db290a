// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <turbojpeg.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

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

/// How a JPEG is put together, as far as it tells whether the file is whole.
struct JpegMarkers {
  bool has_end = false;
  bool is_one_scan = false;  ///< All pixels come in one pass: where the last are there, so are the others.
};

/// Walks from marker to marker; pictures within (thumbnails) are skipped with the segment that holds them.
[[nodiscard]] inline JpegMarkers jpeg_markers(std::string_view bytes) {
  constexpr std::uint8_t no_marker = 0x00, baseline = 0xC0, extended = 0xC1, restart = 0xD0, start = 0xD8, end = 0xD9,
                         scan = 0xDA, fill = 0xFF;
  const auto byte = [&](std::size_t at) {
    return at < bytes.size() ? static_cast<std::uint8_t>(bytes[at]) : no_marker;
  };
  JpegMarkers found;
  unsigned num_components = 0;
  for (std::size_t at = 2; (at = bytes.find('\xFF', at)) != std::string_view::npos;) {
    const auto marker = byte(++at);
    if (marker == fill) continue;
    if (marker == end) {
      found.has_end = true;
      break;
    }
    ++at;
    if (marker == no_marker || marker == 0x01 || (marker >= restart && marker <= start)) continue;
    if (marker == baseline || marker == extended) num_components = byte(at + 7);
    if (marker == scan) found.is_one_scan = num_components > 0 && byte(at + 2) == num_components;
    at += static_cast<std::size_t>(byte(at)) << 8U | byte(at + 1);
  }
  return found;
}

/// Before the first row is decoded. What the decoder warns of here, it warns of again when it decodes.
///
/// Errors     Malformed.
inline std::pair<int, int> jpeg_size(std::string_view bytes, std::int64_t max_pixels) {
  int width = 0, height = 0, subsampling = 0, colours = 0;
  auto& decoder = jpeg_decoder();
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto size = static_cast<unsigned long>(bytes.size());
  if (tjDecompressHeader3(decoder.get(), data, size, &width, &height, &subsampling, &colours) != 0) {
    const std::string reason = tjGetErrorStr2(decoder.get());
    decoder.reset();  // After an error in a header it would take the next file for more of this one.
    // A sampling that TurboJPEG has no name for is decoded all the same: the size is known by then.
    if (width < 1) throw Malformed(fmt::format("expected a sound JPEG, got {}", reason));
  }
  check_image_size(width, height, max_pixels);
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    throw Malformed(
        "expected a JPEG in colour or grey, got CMYK, which is meant for printing; convert it to RGB first");
  }
  return {width, height};
}

/// uint8 [H, W, 3], and what the decoder warned of: empty for a sound file. A file that is cut off is refused; its
/// missing part would be grey. Errors: Malformed.
inline std::pair<at::Tensor, std::string> decode_jpeg(std::string& bytes, std::int64_t max_pixels) {
  using namespace std::string_view_literals;
  std::string warning;
  const auto [has_end, is_one_scan] = jpeg_markers(bytes);
  if (!has_end) {
    if (!is_one_scan) throw Malformed("expected a JPEG with an end, got none; the file is truncated");
    bytes += "\xFF\xD9"sv;  // The decoder then tells whether the pixels are there without it.
    warning = "no end marker";
  }
  const auto [width, height] = jpeg_size(bytes, max_pixels);
  auto& decoder = jpeg_decoder();
  auto pixels = at::empty({height, width, 3}, at::kByte);
  if (tjDecompress2(decoder.get(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    static_cast<unsigned long>(bytes.size()), pixels.mutable_data_ptr<std::uint8_t>(), width,
                    /*pitch=*/0, height, TJPF_RGB, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS) != 0) {
    const bool is_readable = tjGetErrorCode(decoder.get()) == TJERR_WARNING;
    warning = tjGetErrorStr2(decoder.get());
    decoder.reset();
    // In the words of libjpeg, which tells its first warning only: behind another than that of needless bytes at the
    // end, pixels may be missing.
    const bool is_cut_off = warning.starts_with("Premature end") ||
                            warning.ends_with("premature end of data segment") ||
                            (!has_end && !warning.ends_with("extraneous bytes before marker 0xd9"));
    if (!is_readable || is_cut_off) {
      throw Malformed(fmt::format("expected a sound JPEG, got {}{}", warning, is_cut_off ? "; it is truncated" : ""));
    }
  }
  return {pixels, warning};
}

}  // namespace g2d::io::detail
