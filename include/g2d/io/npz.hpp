// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/npy_header.hpp>
#include <g2d/io/detail/zip_archive.hpp>
#include <g2d/io/tensors.hpp>

namespace g2d::io {

namespace detail {

/// Nothing is allocated before the member's announced size, its array's header and deflate's bound agree.
inline at::Tensor read_npz_member(const ZipArchive& archive, const ZipEntry& entry) {
  auto member = archive.open(entry);
  std::string head(npy_preamble, '\0');
  member.read(head.data(), head.size());
  const auto [dict_begin, head_size] = npy_head(head);
  if (head_size > entry.size) throw Malformed("its header does not fit into it");
  head.resize(head_size);
  member.read(head.data() + npy_preamble, head.size() - npy_preamble);
  const auto header = parse_npy_header(std::string_view(head).substr(dict_begin), entry.size - head_size);
  auto bytes = at::empty({header.data_bytes}, at::kByte);
  member.read(bytes.mutable_data_ptr(), static_cast<std::uint64_t>(header.data_bytes));
  member.expect_end();
  return npy_view(header, bytes).contiguous();
}

}  // namespace detail

/// The arrays of an .npz file (numpy.savez, numpy.savez_compressed) by name, in the file's order.
///
/// Dtypes     those of map_npy; any, text and Python objects too, in an array that is not wanted.
/// Memory     at most what the file's length allows: 1032 times it, deflate's best; more is refused unread.
/// Errors     DataError naming the file, the array and the reason: not a zip archive, truncated, damaged (checksums are
///            compared), encrypted, packed otherwise than by deflate, a name twice, Python objects.
[[nodiscard]] inline Tensors read_npz(const std::filesystem::path& path, const Wanted& is_wanted = {}) {
  constexpr std::string_view where = "io::read_npz";
  constexpr std::string_view ending = ".npy";
  const auto size = detail::file_size(where, path);
  return detail::naming_the_file(where, path, [&] {
    const detail::ZipArchive archive(path, static_cast<std::uint64_t>(size));
    Tensors tensors;
    std::set<std::string> names;
    for (const auto& entry : archive.entries()) {
      const auto name = entry.name.substr(0, entry.name.size() - std::min(ending.size(), entry.name.size()));
      if (!entry.name.ends_with(ending)) {
        throw detail::Malformed(fmt::format("member \"{}\": expected a name that ends in .npy", entry.name));
      }
      if (!names.insert(name).second) throw detail::Malformed(fmt::format("array \"{}\" occurs twice", name));
      if (is_wanted && !is_wanted(name)) continue;
      try {
        tensors.insert(name, detail::read_npz_member(archive, entry));
      } catch (const detail::Malformed& error) {
        throw detail::Malformed(fmt::format("array \"{}\": {}", name, error.what()));
      }
    }
    return tensors;
  });
}

}  // namespace g2d::io
