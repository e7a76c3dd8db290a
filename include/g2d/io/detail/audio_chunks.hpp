// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <g2d/io/detail/byte_order.hpp>
#include <g2d/io/detail/file_error.hpp>

/// WAV, RF64, Wave64, AIFF, 8SVX and CAF are lists of chunks, each with a name and a length; one holds the samples.
namespace g2d::io::detail {

/// How a format writes its chunks.
struct ChunkFormat {
  ByteOrder order;
  std::size_t first;             ///< Where the first chunk begins.
  std::size_t name_bytes;        ///< Of which the first four tell chunks apart.
  std::size_t length_bytes;      ///< The width of a length.
  bool length_counts_head;       ///< Name and length are part of a chunk's length.
  std::size_t alignment;         ///< Chunks begin at multiples of it.
  std::string_view sample_name;  ///< The chunk of the samples.
  std::string_view layout_name;  ///< The chunk that tells how long a frame is.
  std::size_t before_samples;    ///< Bytes of the chunk of the samples that come before them.
};

struct Chunk {
  std::string_view name;
  std::size_t begin;         ///< Of its contents.
  std::size_t length_at;     ///< Where its length is written,
  std::size_t length_bytes;  ///< and how wide.
  std::uint64_t length;      ///< Of its contents, as announced.
};

/// The format of a file, by its first bytes; none for other files.
[[nodiscard]] inline std::optional<ChunkFormat> chunk_format(std::string_view bytes) {
  const auto magic = bytes.substr(0, 4);
  const auto kind = bytes.substr(std::min<std::size_t>(8, bytes.size()), 4);
  if (magic == "RIFF" || magic == "RF64" || magic == "BW64" || magic == "RIFX") {
    const auto order = magic == "RIFX" ? ByteOrder::Big : ByteOrder::Little;
    return ChunkFormat{order, 12, 4, 4, false, 2, "data", "fmt ", 0};
  }
  if (magic == "FORM") {
    return kind.starts_with("AIF") ? ChunkFormat{ByteOrder::Big, 12, 4, 4, false, 2, "SSND", "COMM", 8}
                                   : ChunkFormat{ByteOrder::Big, 12, 4, 4, false, 2, "BODY", "VHDR", 0};
  }
  if (magic == "riff") return ChunkFormat{ByteOrder::Little, 40, 16, 8, true, 8, "data", "fmt ", 0};
  if (magic == "caff") return ChunkFormat{ByteOrder::Big, 8, 4, 8, false, 1, "data", "desc", 4};
  return std::nullopt;
}

/// The chunk that begins at `at`; none where the file ends before its contents do begin.
[[nodiscard]] inline std::optional<Chunk> chunk_at(std::string_view bytes, const ChunkFormat& format, std::size_t at) {
  const auto head = format.name_bytes + format.length_bytes;
  if (at > bytes.size() || bytes.size() - at < head) return std::nullopt;
  const auto length_at = at + format.name_bytes;
  const auto length = number_at(bytes, length_at, format.length_bytes, format.order);
  const std::uint64_t counted = format.length_counts_head ? head : 0;
  return Chunk{bytes.substr(at, 4), at + head, length_at, format.length_bytes, length - std::min(length, counted)};
}

/// Where the chunk behind begins. Some programs leave out the byte that pads an odd length; a name never begins with 0.
[[nodiscard]] inline std::size_t end_of(std::string_view bytes, const ChunkFormat& format, const Chunk& chunk) {
  if (chunk.length > bytes.size() - chunk.begin) return bytes.size();
  const auto end = chunk.begin + static_cast<std::size_t>(chunk.length);
  const auto aligned = (end + format.alignment - 1) / format.alignment * format.alignment;
  if (format.alignment == 2 && end < bytes.size() && bytes[end] != '\0') return end;
  return std::min(aligned, bytes.size());
}

/// Whether nothing but whole chunks lies between `at` and the end of the file.
[[nodiscard]] inline bool only_chunks_behind(std::string_view bytes, const ChunkFormat& format, std::size_t at) {
  while (at < bytes.size()) {
    const auto chunk = chunk_at(bytes, format, at);
    if (!chunk || chunk->length > bytes.size() - chunk->begin) return false;
    if (std::any_of(chunk->name.begin(), chunk->name.end(), [](char c) { return c < ' ' || c > '~'; })) return false;
    at = end_of(bytes, format, *chunk);
  }
  return true;
}

/// What the chunks before the samples tell.
struct ChunkedAudio {
  Chunk samples;
  std::size_t frame_bytes;  ///< Of one sample of all channels; 1 where nobody tells.
};

/// The length that RF64 writes into its first chunk, for the fields of WAV have no room for it.
[[nodiscard]] inline Chunk with_wide_length(std::string_view bytes, Chunk samples) {
  constexpr std::size_t length_at = 28;
  constexpr std::uint64_t elsewhere = 0xFFFFFFFF;
  if (bytes.substr(12, 4) != "ds64" || samples.length != elsewhere) return samples;
  samples.length_at = length_at;
  samples.length_bytes = 8;
  samples.length = number_at(bytes, length_at, 8, ByteOrder::Little);
  return samples;
}

[[nodiscard]] inline std::size_t frame_bytes_of(std::string_view bytes, const ChunkFormat& format,
                                                const Chunk& layout) {
  const auto number = [&](std::size_t offset) {
    return static_cast<std::size_t>(number_at(bytes, layout.begin + offset, 2, format.order));
  };
  if (format.layout_name == "fmt ") return std::max<std::size_t>(number(12), 1);
  if (format.layout_name == "COMM") return std::max<std::size_t>(number(0) * ((number(6) + 7) / 8), 1);
  return 1;
}

[[nodiscard]] inline std::optional<ChunkedAudio> find_samples(std::string_view bytes, const ChunkFormat& format) {
  std::size_t frame_bytes = 1;
  for (std::size_t at = format.first; const auto chunk = chunk_at(bytes, format, at);) {
    if (chunk->name == format.layout_name) frame_bytes = frame_bytes_of(bytes, format, *chunk);
    if (chunk->name == format.sample_name) return ChunkedAudio{with_wide_length(bytes, *chunk), frame_bytes};
    at = end_of(bytes, format, *chunk);
  }
  return std::nullopt;
}

/// What programs write as a length that they do not know: all bits, or the greatest file that they could write. SoX
/// writes 0x7F000000 into AIFF and 0x7FFFF000 into WAV.
[[nodiscard]] inline bool is_placeholder(std::uint64_t length, std::size_t length_bytes, bool is_aiff) {
  if (length_bytes == 8) return length >= std::uint64_t{1} << 62U;
  return length >= (is_aiff ? 0x7F000000U : 0x7FFFF000U);
}

/// The length of everything, behind the first four bytes of WAV and AIFF.
[[nodiscard]] inline bool announces_too_much(std::string_view bytes, const ChunkFormat& format) {
  if (format.first != 12 || bytes.starts_with("RF64") || bytes.starts_with("BW64")) return false;
  constexpr std::uint64_t head = 8;
  const auto length = number_at(bytes, 4, 4, format.order);
  return length == 0 || length + head > bytes.size() + 1;  // The byte may be one that pads, and is not written.
}

/// Makes the announced length of the samples what is there, where the header does not tell it: programs that write into
/// a pipe cannot go back to it, recorders that were killed did not. Whether the header was wrong.
///
/// Errors     Malformed when the file has fewer bytes than it announces.
inline bool settle_chunks(std::string& bytes, const ChunkFormat& format) {
  const auto found = find_samples(bytes, format);
  if (!found) return false;  // libsndfile has its own words for that.
  const auto& samples = found->samples;
  const std::uint64_t there = bytes.size() - samples.begin;
  const bool is_untold = samples.length <= format.before_samples
                             ? !only_chunks_behind(bytes, format, end_of(bytes, format, samples))
                             : is_placeholder(samples.length, samples.length_bytes, format.sample_name == "SSND");
  if (is_untold) {
    const auto head = format.length_counts_head ? format.name_bytes + format.length_bytes : 0;
    put_number(bytes, samples.length_at, samples.length_bytes, format.order, there + head);
    return true;
  }
  // A byte that pads an odd length, counted and not written, belongs to no sample.
  const bool lacks_only_padding =
      format.alignment == 2 && samples.length == there + 1 && there % found->frame_bytes == 0;
  if (samples.length > there && !lacks_only_padding) {
    throw Malformed(fmt::format("expected {} bytes as its header announces, got {}; the file is truncated",
                                samples.begin + samples.length, bytes.size()));
  }
  return announces_too_much(bytes, format);
}

/// The same of Sun's AU, whose header is one of fixed fields.
inline bool settle_au(std::string& bytes) {
  const auto order = bytes.starts_with(".snd") ? ByteOrder::Big : ByteOrder::Little;
  const auto begin = number_at(bytes, 4, 4, order);
  const auto length = number_at(bytes, 8, 4, order);
  constexpr std::size_t shortest_header = 24;
  if (bytes.size() < shortest_header || begin > bytes.size())
    throw Malformed("expected a whole header, got a part of it; the file is truncated");
  const auto there = bytes.size() - begin;
  if (length == 0 ? there > 0 : is_placeholder(length, 4, /*is_aiff=*/false)) {
    put_number(bytes, 8, 4, order, there);
    return true;
  }
  if (length > there) {
    throw Malformed(fmt::format("expected {} bytes as its header announces, got {}; the file is truncated",
                                begin + length, bytes.size()));
  }
  return false;
}

}  // namespace g2d::io::detail
