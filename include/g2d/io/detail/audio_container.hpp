// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <g2d/io/detail/audio_chunks.hpp>
#include <g2d/io/detail/mpeg_frames.hpp>
#include <g2d/io/detail/ogg_pages.hpp>

namespace g2d::io::detail {

[[nodiscard]] inline bool starts_mpeg(std::string_view bytes) {
  return bytes.starts_with("ID3") ||
         (bytes.size() > 1 && bytes[0] == '\xFF' && (static_cast<std::uint8_t>(bytes[1]) & 0xE6U) == 0xE2U);
}

/// The tag that ID3v1 puts behind a file: decoders of FLAC take it for a broken frame.
inline void remove_last_tag(std::string& bytes) {
  constexpr std::size_t tag_bytes = 128;
  if (bytes.size() > tag_bytes && std::string_view(bytes).substr(bytes.size() - tag_bytes, 3) == "TAG") {
    bytes.resize(bytes.size() - tag_bytes);
  }
}

/// What is to be known of a file before it is read.
struct AudioNotes {
  std::string warning{};                      ///< Empty for most files.
  std::optional<std::int64_t> num_samples{};  ///< Counted, where libsndfile would guess it.
};

/// Compares what a file announces with what it holds. libsndfile reads a file that was cut off as if it ended there,
/// and too little of some whose header does not tell their length; there the header is mended, in `bytes` alone.
///
/// Errors     Malformed when the file is truncated.
[[nodiscard]] inline AudioNotes settle_audio(std::string& bytes) {
  bool is_wrong = false;
  if (const auto format = chunk_format(bytes)) {
    is_wrong = settle_chunks(bytes, *format);
  } else if (bytes.starts_with(".snd") || bytes.starts_with("dns.")) {
    is_wrong = settle_au(bytes);
  } else if (bytes.starts_with("OggS")) {
    const bool lacks_end = settle_ogg(bytes);
    unwrap_ogg_flac(bytes);
    return {.warning = lacks_end ? "Ogg stream whose last page does not end it" : "", .num_samples = {}};
  } else if (bytes.starts_with("fLaC")) {
    remove_last_tag(bytes);
  } else if (starts_mpeg(bytes)) {
    return {.warning = {}, .num_samples = settle_mpeg(bytes)};
  }
  return {.warning = is_wrong ? "recording whose header tells a wrong length, or none" : "", .num_samples = {}};
}

}  // namespace g2d::io::detail
