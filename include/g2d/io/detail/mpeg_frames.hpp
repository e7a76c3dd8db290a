// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <g2d/io/detail/byte_order.hpp>
#include <g2d/io/detail/file_error.hpp>

/// MP3 is a list of frames. How many there are stands, if anywhere, in a first frame without sound, Xing's.
namespace g2d::io::detail {

struct MpegFrame {
  std::size_t size;  ///< Bytes.
  std::int64_t num_samples;
  std::size_t xing_at;  ///< Where Xing's mark would be in the frame.
  unsigned kind;        ///< The bits that all frames of a file have in common.
};

/// The frame of layer III that begins at `at`; none where none does. Free bit rates are not known.
[[nodiscard]] inline std::optional<MpegFrame> mpeg_frame(std::string_view bytes, std::size_t at) {
  constexpr std::array<unsigned, 16> rates_1{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0};
  constexpr std::array<unsigned, 16> rates_2{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0};
  constexpr std::array<unsigned, 4> frequencies{44100, 48000, 32000, 0};
  constexpr unsigned sync_and_layer = 0xFFE60000, third_layer = 0xFFE20000, common_bits = 0xFFFE0C00;
  const auto head = static_cast<unsigned>(number_at(bytes, at, 4, ByteOrder::Big));
  const auto version = head >> 19U & 3U;  // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
  const bool is_first = version == 3;
  const auto rate = (is_first ? rates_1 : rates_2)[head >> 12U & 15U];
  const auto frequency = frequencies[head >> 10U & 3U] >> (version == 0 ? 2U : is_first ? 0U : 1U);
  if ((head & sync_and_layer) != third_layer || version == 1 || rate == 0 || frequency == 0) return std::nullopt;
  const bool is_mono = (head >> 6U & 3U) == 3;
  const std::size_t size = (is_first ? 144000U : 72000U) * rate / frequency + (head >> 9U & 1U);
  const std::size_t side_information = is_first ? (is_mono ? 17 : 32) : (is_mono ? 9 : 17);
  return MpegFrame{size, is_first ? 1152 : 576, 4 + side_information, head & common_bits};
}

/// Where the tags of ID3v2 at the start of a file end.
[[nodiscard]] inline std::size_t end_of_id3(std::string_view bytes) {
  constexpr std::size_t head = 10;
  constexpr unsigned has_footer = 0x10;
  std::size_t at = 0;
  while (bytes.size() - at >= head && bytes.substr(at, 3) == "ID3") {
    std::size_t size = 0;
    for (std::size_t i = 6; i < head; ++i) size = size << 7U | (static_cast<std::uint8_t>(bytes[at + i]) & 0x7FU);
    size += head + ((static_cast<std::uint8_t>(bytes[at + 5]) & has_footer) != 0 ? head : 0);
    if (size > bytes.size() - at) return bytes.size();
    at += size;
  }
  return at;
}

/// The first frame behind `at` that another of its kind, or the end of the file, follows.
[[nodiscard]] inline std::optional<std::size_t> find_mpeg_frame(std::string_view bytes, std::size_t at) {
  for (; at + 4 <= bytes.size(); ++at) {
    const auto frame = mpeg_frame(bytes, at);
    if (!frame) continue;
    const auto next = mpeg_frame(bytes, at + frame->size);
    if (at + frame->size == bytes.size() || (next && next->kind == frame->kind)) return at;
  }
  return std::nullopt;
}

struct MpegFrames {
  std::int64_t count = 0;
  std::size_t end = 0;  ///< Behind the last.
};

/// The frames of one kind from `at` on. What lies between them is passed over.
///
/// Errors     Malformed when the file ends within the last frame.
[[nodiscard]] inline MpegFrames count_mpeg_frames(std::string_view bytes, std::size_t at, unsigned kind) {
  MpegFrames frames;
  while (at + 4 <= bytes.size()) {
    const auto frame = mpeg_frame(bytes, at);
    if (frame && frame->kind == kind) {
      if (frame->size > bytes.size() - at) {
        throw Malformed(fmt::format("expected a last frame of {} bytes, got {}; the file is truncated", frame->size,
                                    bytes.size() - at));
      }
      at += frame->size;
      frames.end = at;
      ++frames.count;
      continue;
    }
    const auto rest = bytes.substr(at);  // Tags follow the sound.
    if (rest.starts_with("TAG") || rest.starts_with("APETAGEX") || rest.starts_with("LYRICSBEGIN")) break;
    const auto next = find_mpeg_frame(bytes, at + 1);
    if (!next) break;
    at = *next;
  }
  return frames;
}

/// The samples of a file of MP3 that does not tell their number, counted frame by frame; whatever stands behind the
/// last frame is removed. None for other files.
///
/// Errors     Malformed when the file ends within a frame.
[[nodiscard]] inline std::optional<std::int64_t> settle_mpeg(std::string& bytes) {
  const auto begin = find_mpeg_frame(bytes, end_of_id3(bytes));
  if (!begin) return std::nullopt;
  const auto first = *mpeg_frame(bytes, *begin);
  const auto mark_at = *begin + first.xing_at;
  const auto mark = std::string_view(bytes).substr(std::min(mark_at, bytes.size()), 4);
  constexpr unsigned has_count = 1;
  if ((mark == "Xing" || mark == "Info") && (number_at(bytes, mark_at + 4, 4, ByteOrder::Big) & has_count) != 0) {
    return std::nullopt;
  }
  const auto frames = count_mpeg_frames(bytes, *begin, first.kind);
  bytes.resize(frames.end);
  return frames.count * first.num_samples;
}

}  // namespace g2d::io::detail
