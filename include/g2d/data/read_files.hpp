// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <g2d/core/fingerprint.hpp>
#include <g2d/data/modality_reader.hpp>

namespace g2d::data {

/// Tells sets of files apart by their sizes and 4 KiB from the middle of each; names of folders do not count.
///
/// Cost       one short read a file. A file that cannot be read counts as empty here: reading it will say so.
[[nodiscard]] inline std::string fingerprint_files(const std::vector<std::filesystem::path>& files) {
  constexpr std::uintmax_t probe_bytes = 4096;
  Fingerprint fingerprint;
  std::string probe;
  for (const auto& file : files) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    probe.clear();
    if (!error) {
      std::ifstream stream(file, std::ios::binary);
      stream.seekg(static_cast<std::streamoff>(size > probe_bytes ? (size - probe_bytes) / 2 : 0));
      probe.resize(probe_bytes);
      stream.read(probe.data(), static_cast<std::streamsize>(probe_bytes));
      probe.resize(static_cast<std::size_t>(stream.gcount()));
    }
    fingerprint.add(file.filename().string()).add(std::to_string(error ? 0 : size)).add(probe);
  }
  return fingerprint.str();
}

/// A modality with one file for each sample: `decode(path)`, then the transform.
template <class Decode>
  requires std::invocable<const Decode&, const std::filesystem::path&>
[[nodiscard]] ModalityReader read_files(std::string name, std::vector<std::filesystem::path> files, Decode decode,
                                        transform::Any transform) {
  const auto shared = std::make_shared<const std::vector<std::filesystem::path>>(std::move(files));
  return {.name = std::move(name),
          .decode = [shared, decode = std::move(decode)](
                        std::int64_t entry) { return decode((*shared)[static_cast<std::size_t>(entry)]); },
          .transform = std::move(transform),
          .fingerprint = [shared] { return fingerprint_files(*shared); }};
}

}  // namespace g2d::data
