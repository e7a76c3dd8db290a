// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_file.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <g2d/core/atomic_file.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/teacher/detail/cache_header.hpp>
#include <g2d/teacher/detail/cached_tensors.hpp>

namespace g2d::detail {

/// The file of one teacher cache: the header that it must have, and its tensors.
class CacheFile {
 public:
  /// `header` without its number of bytes.
  CacheFile(std::filesystem::path path, CacheHeader header, const PerModality<std::int64_t>& feature_widths)
      : path_(std::move(path)), header_(header), dtype_(static_cast<at::ScalarType>(header.dtype)) {
    for (const auto width : feature_widths) widths_.push_back(width + header_.num_outputs);
    constexpr auto id_bytes = static_cast<std::int64_t>(sizeof(std::int64_t)),
                   confidence_bytes = static_cast<std::int64_t>(sizeof(double));
    offsets_ = {aligned(static_cast<std::int64_t>(sizeof header_))};
    append_offset(id_bytes);
    append_offset(header_.num_modalities * confidence_bytes);
    for (const auto width : widths_) append_offset(width * static_cast<std::int64_t>(c10::elementSize(dtype_)));
    header_.num_bytes = offsets_.back();
  }

  /// Writes the file rows by rows, so that no more of it than these has to be in memory.
  class Writer {
   public:
    /// Takes the room that the whole file needs.
    explicit Writer(const CacheFile& file) : file_(file), target_(file.path_) {
      target_.reserve(static_cast<std::size_t>(file_.header_.num_bytes));
      target_.write(&file_.header_, sizeof file_.header_);
    }

    /// The tensors of the samples from `first` on, contiguous in host memory.
    void write(std::int64_t first, const CachedTensors& rows) {
      write(0, first, rows.ids);
      write(1, first, rows.confidence);
      for (std::size_t m = 0; m < rows.tables.size(); ++m) write(m + 2, first, rows.tables[m]);
      target_.check();
    }

    void commit() { target_.commit(); }

   private:
    void write(std::size_t index, std::int64_t first, const at::Tensor& rows) {
      const auto row_bytes = static_cast<std::int64_t>(rows.nbytes()) / rows.size(0);
      target_.write_at(static_cast<std::size_t>(file_.offsets_[index] + first * row_bytes), rows.const_data_ptr(),
                       rows.nbytes());
    }

    const CacheFile& file_;
    AtomicFile target_;
  };

  /// Maps the file if it is the expected one; nothing when there is none, or it belongs to other teachers or data.
  [[nodiscard]] std::optional<CachedTensors> map() const {
    std::error_code no_file;
    const auto size = std::filesystem::file_size(path_, no_file);
    if (no_file || static_cast<std::int64_t>(size) != header_.num_bytes || !has_expected_header()) return std::nullopt;
    const auto bytes = at::from_file(path_.string(), /*shared=*/false, header_.num_bytes, at::kByte);
    const auto view = [&](std::size_t index, at::ScalarType type, at::IntArrayRef sizes) {
      const auto length = c10::multiply_integers(sizes) * static_cast<std::int64_t>(c10::elementSize(type));
      return bytes.narrow(0, offsets_[index], length).view(type).view(sizes);
    };
    CachedTensors tensors{view(0, at::kLong, {header_.num_samples}),
                          view(1, at::kDouble, {header_.num_samples, header_.num_modalities}),
                          {}};
    for (std::size_t m = 0; m < widths_.size(); ++m)
      tensors.tables.push_back(view(m + 2, dtype_, {header_.num_samples, widths_[m]}));
    return tensors;
  }

 private:
  /// Where the next tensor begins, behind one with rows of so many bytes.
  void append_offset(std::int64_t row_bytes) {
    offsets_.push_back(aligned(offsets_.back() + header_.num_samples * row_bytes));
  }

  [[nodiscard]] bool has_expected_header() const {
    CacheHeader found;
    std::ifstream stream(path_, std::ios::binary);
    if (!stream.read(reinterpret_cast<char*>(&found), sizeof found)) {
      throw DataError(fmt::format("g2d: TeacherCache: file {} cannot be read", path_.string()));
    }
    return std::memcmp(&found, &header_, sizeof found) == 0;
  }

  std::filesystem::path path_;
  CacheHeader header_;
  at::ScalarType dtype_;
  std::vector<std::int64_t> widths_;   ///< Of the tables.
  std::vector<std::int64_t> offsets_;  ///< Where each tensor begins, and where the file ends.
};

}  // namespace g2d::detail
