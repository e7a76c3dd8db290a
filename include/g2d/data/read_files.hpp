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
#include <utility>
#include <vector>

#include <g2d/core/fingerprint.hpp>
#include <g2d/data/modality_reader.hpp>

namespace g2d::data {

/// Tells sets of files apart by their names, without folders, and all of their bytes: an edit that leaves size and time
/// of a file as they were is seen.
///
/// Cost       reads every file once, as fast as the disk gives them: teacher caches are kept by it, and the suite's
///            results; nothing else asks for it. A file that cannot be read counts as
///            empty here: reading it will say so.
[[nodiscard]] inline std::string fingerprint_files(const std::vector<std::filesystem::path>& files) {
  constexpr std::size_t block_bytes = std::size_t{1} << 20U;
  Fingerprint fingerprint;
  std::string block;
  for (const auto& file : files) {
    fingerprint.add(file.filename().string());
    std::ifstream stream(file, std::ios::binary);
    do {
      block.resize(block_bytes);
      stream.read(block.data(), static_cast<std::streamsize>(block_bytes));
      block.resize(static_cast<std::size_t>(stream.gcount()));
      fingerprint.add(block);
    } while (stream);
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
