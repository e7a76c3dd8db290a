// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_file.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/atomic_file.hpp>
#include <g2d/core/error.hpp>
#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/host_tensor.hpp>
#include <g2d/io/detail/safetensors_header.hpp>
#include <g2d/io/tensors.hpp>

/// safetensors: eight bytes of header length, a JSON header, the tensors' bytes. No code in it, in any language.
namespace g2d::io {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

namespace detail {

inline constexpr std::int64_t safetensors_prefix = 8;
inline constexpr std::int64_t safetensors_longest_header = 100'000'000;

inline std::string_view safetensors_dtype(std::string_view name, at::ScalarType dtype) {
  const auto* known = std::find_if(safetensors_dtypes.begin(), safetensors_dtypes.end(),
                                   [&](const auto& candidate) { return candidate.second == dtype; });
  if (known == safetensors_dtypes.end()) {
    throw ShapeError(fmt::format("g2d: io::write_safetensors: tensor \"{}\": dtype {} has no place in this format",
                                 name, c10::toString(dtype)));
  }
  return known->first;
}

/// A view of the mapped file, or a copy where an odd header length has left the data unaligned. Errors: Malformed.
inline at::Tensor safetensors_view(const at::Tensor& data, const SafetensorsEntry& entry) {
  const auto bytes = data.narrow(0, entry.begin, entry.end - entry.begin);
  if (!entry.dtype) {
    throw Malformed(fmt::format("tensor \"{}\": dtype {} is not supported; read the file without it", entry.name,
                                entry.dtype_name));
  }
  const auto width = static_cast<std::int64_t>(c10::elementSize(*entry.dtype));
  const bool aligned = bytes.storage_offset() % width == 0;
  return (aligned ? bytes : bytes.clone()).view(*entry.dtype).view(entry.shape);
}

inline std::string safetensors_header(const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  nlohmann::json header;
  header[metadata_key] = {{"format", "pt"}};
  std::size_t end = 0;
  for (const auto& [name, tensor] : tensors) {
    if (name == metadata_key) {
      throw ConfigError(fmt::format("g2d: io::write_safetensors: the format keeps the name \"{}\" for itself", name));
    }
    const auto begin = std::exchange(end, end + tensor.nbytes());
    header[name] = {{"dtype", safetensors_dtype(name, tensor.scalar_type())},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", nlohmann::json::array({begin, end})}};
  }
  try {
    auto text = header.dump();
    constexpr std::size_t alignment = 8;
    text.resize((text.size() + alignment - 1) / alignment * alignment, ' ');
    return text;
  } catch (const nlohmann::json::type_error& error) {
    throw ConfigError(fmt::format("g2d: io::write_safetensors: expected names in UTF-8: {}", error.what()));
  }
}

}  // namespace detail

/// The tensors of a safetensors file, in the order of their data. The file is mapped, not read: a tensor's pages come
/// from the disk when they are first looked at, and writing to a tensor does not change the file.
///
/// Dtypes     F64 F32 F16 BF16 F8_E4M3 F8_E5M2 C64 I64 I32 I16 I8 U64 U32 U16 U8 BOOL; any where it is not wanted.
/// Errors     DataError naming the file and what is wrong with it. Sizes are checked before anything is allocated.
[[nodiscard]] inline Tensors read_safetensors(const std::filesystem::path& path, const Wanted& is_wanted = {}) {
  constexpr std::string_view where = "io::read_safetensors";
  const auto size = detail::file_size(where, path);
  return detail::naming_the_file(where, path, [&] {
    if (size < detail::safetensors_prefix) {
      throw detail::Malformed(fmt::format("expected a safetensors file, got {} bytes", size));
    }
    const auto file = at::from_file(path.string(), /*shared=*/false, size, at::kByte);
    const auto* bytes = file.const_data_ptr<std::uint8_t>();
    std::uint64_t length = 0;
    std::memcpy(&length, bytes, sizeof length);
    const auto longest = std::min(size - detail::safetensors_prefix, detail::safetensors_longest_header);
    if (length > static_cast<std::uint64_t>(longest)) {
      throw detail::Malformed(
          fmt::format("expected a header of at most {} bytes, got {}; the file is truncated or not in this format",
                      longest, length));
    }
    const std::string_view header(reinterpret_cast<const char*>(bytes) + detail::safetensors_prefix, length);
    const auto begin = detail::safetensors_prefix + static_cast<std::int64_t>(length);
    const auto data = file.narrow(0, begin, size - begin);
    Tensors tensors;
    for (const auto& entry : detail::parse_safetensors_header(header, size - begin)) {
      if (!is_wanted || is_wanted(entry.name)) tensors.insert(entry.name, detail::safetensors_view(data, entry));
    }
    return tensors;
  });
}

/// Writes the tensors, the widest dtypes first so that all are aligned. The file appears whole or not at all.
///
/// Errors     DataError when the file cannot be written; ShapeError for a dtype or layout that the format does not
///            know; ConfigError for a name that it cannot hold.
inline void write_safetensors(const Tensors& tensors, const std::filesystem::path& path) {
  std::vector<std::pair<std::string, at::Tensor>> ordered;
  for (const auto& item : tensors) {
    ordered.emplace_back(item.key(), detail::to_host("io::write_safetensors", item.key(), item.value()));
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.second.element_size() > b.second.element_size(); });
  const auto header = detail::safetensors_header(ordered);
  const std::uint64_t length = header.size();
  AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(header);
  for (const auto& [name, tensor] : ordered) file.write(tensor.const_data_ptr(), tensor.nbytes());
  file.commit();
}

}  // namespace g2d::io
