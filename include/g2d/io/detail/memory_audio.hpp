// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include <g2d/io/detail/file_error.hpp>

namespace g2d::io::detail {

struct CloseAudio {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

/// Bytes that libsndfile reads like a file. It guesses the length of an MP3 from its size, and stops there; where that
/// must not be, it is told a size far greater, so that the end of the bytes comes first.
class MemoryAudio {
 public:
  /// `bytes` outlive it. Errors: Malformed for what is no recording.
  MemoryAudio(std::string_view bytes, bool has_guessed_length)
      : bytes_(bytes), length_(static_cast<sf_count_t>(bytes.size()) * (has_guessed_length ? greatest_ratio : 1)) {
    SF_VIRTUAL_IO access{.get_filelen = length, .seek = seek, .read = read, .write = nullptr, .tell = tell};
    file_.reset(sf_open_virtual(&access, SFM_READ, &info_, this));
    if (!file_) throw Malformed(fmt::format("expected an audio file, got {}", sf_error_number(sf_error(nullptr))));
  }

  MemoryAudio(const MemoryAudio&) = delete;
  MemoryAudio& operator=(const MemoryAudio&) = delete;
  ~MemoryAudio() = default;

  [[nodiscard]] SNDFILE* get() const { return file_.get(); }
  [[nodiscard]] const SF_INFO& info() const { return info_; }

 private:
  static constexpr sf_count_t greatest_ratio = 64;  ///< Of the bytes of a first and an average frame of MP3: 320 to 8.

  static constexpr sf_count_t tag_bytes = 128;

  static MemoryAudio& self(void* data) { return *static_cast<MemoryAudio*>(data); }
  static sf_count_t length(void* data) { return self(data).length_; }
  static sf_count_t tell(void* data) { return self(data).position_; }

  static sf_count_t seek(sf_count_t offset, int whence, void* data) {
    const auto base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? self(data).position_ : length(data);
    return self(data).position_ = std::clamp<sf_count_t>(base + offset, 0, length(data));
  }

  static sf_count_t read(void* target, sf_count_t count, void* data) {
    auto& file = self(data);
    const auto size = static_cast<sf_count_t>(file.bytes_.size());
    // Behind the bytes there is nothing, and at the very end no tag, for which the decoder of MP3 looks first.
    const bool asks_for_tag = file.position_ >= std::max(size, file.length_ - tag_bytes);
    const auto given = std::clamp<sf_count_t>((asks_for_tag ? file.length_ : size) - file.position_, 0, count);
    if (given == 0) return 0;
    if (asks_for_tag) {
      std::memset(target, 0, static_cast<std::size_t>(given));
    } else {
      std::memcpy(target, file.bytes_.data() + file.position_, static_cast<std::size_t>(given));
    }
    file.position_ += given;
    return given;
  }

  std::string_view bytes_;
  sf_count_t length_;
  sf_count_t position_ = 0;
  SF_INFO info_{};
  std::unique_ptr<SNDFILE, CloseAudio> file_;
};

}  // namespace g2d::io::detail
