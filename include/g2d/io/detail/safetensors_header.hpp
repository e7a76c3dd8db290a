// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/safe_numerics.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/io/detail/file_error.hpp>

namespace g2d::io::detail {

inline constexpr std::string_view metadata_key = "__metadata__";

inline constexpr std::array<std::pair<std::string_view, at::ScalarType>, 16> safetensors_dtypes{
    {{"F64", at::kDouble},
     {"F32", at::kFloat},
     {"F16", at::kHalf},
     {"BF16", at::kBFloat16},
     {"F8_E4M3", at::kFloat8_e4m3fn},
     {"F8_E5M2", at::kFloat8_e5m2},
     {"C64", at::kComplexFloat},
     {"I64", at::kLong},
     {"I32", at::kInt},
     {"I16", at::kShort},
     {"I8", at::kChar},
     {"U64", at::kUInt64},
     {"U32", at::kUInt32},
     {"U16", at::kUInt16},
     {"U8", at::kByte},
     {"BOOL", at::kBool}}};

/// Where one tensor lies: bytes [begin, end) behind the header.
struct SafetensorsEntry {
  std::string name;
  std::string dtype_name;
  std::optional<at::ScalarType> dtype;  ///< None where LibTorch has no such dtype.
  std::vector<std::int64_t> shape;
  std::int64_t begin;
  std::int64_t end;
};

/// The header's JSON, refused while it is being read when it is deeper than any header or names a tensor twice.
inline nlohmann::json parse_safetensors_json(std::string_view text) {
  using nlohmann::json;
  constexpr int deepest = 3;
  std::set<std::string> names;
  const auto watch = [&names](int depth, json::parse_event_t event, const json& parsed) {
    if (depth > deepest) throw Malformed("the header's JSON is nested too deeply");
    if (depth == 1 && event == json::parse_event_t::key && !names.insert(parsed.get<std::string>()).second) {
      throw Malformed(fmt::format("the header names \"{}\" twice", parsed.get<std::string>()));
    }
    return true;
  };
  return json::parse(text.begin(), text.end(), watch);
}

inline std::int64_t safetensors_integer(const nlohmann::json& value) {
  constexpr auto greatest = static_cast<std::uint64_t>(INT64_MAX);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > greatest) {
    throw Malformed(fmt::format("expected an integer >= 0, got {}", value.dump()));
  }
  return value.get<std::int64_t>();
}

inline SafetensorsEntry parse_safetensors_entry(const std::string& name, const nlohmann::json& json) {
  const auto& dtype = json.at("dtype").get_ref<const std::string&>();
  const auto& shape = json.at("shape").get_ref<const nlohmann::json::array_t&>();
  const auto& offsets = json.at("data_offsets").get_ref<const nlohmann::json::array_t&>();
  const auto* known = std::find_if(safetensors_dtypes.begin(), safetensors_dtypes.end(),
                                   [&](const auto& candidate) { return candidate.first == dtype; });
  if (json.size() != 3 || offsets.size() != 2) throw Malformed("expected dtype, shape and two data_offsets");

  const bool is_known = known != safetensors_dtypes.end();
  SafetensorsEntry entry{name,
                         dtype,
                         is_known ? std::optional(known->second) : std::nullopt,
                         {},
                         safetensors_integer(offsets[0]),
                         safetensors_integer(offsets[1])};
  auto bytes = static_cast<std::int64_t>(is_known ? c10::elementSize(known->second) : 1);
  for (const auto& size : shape) {
    entry.shape.push_back(safetensors_integer(size));
    if (c10::mul_overflows(bytes, entry.shape.back(), &bytes)) throw Malformed("the shape's size overflows");
  }
  if (entry.end < entry.begin || (is_known && entry.end - entry.begin != bytes)) {
    throw Malformed(fmt::format("expected {} bytes, got data_offsets [{}, {}]", bytes, entry.begin, entry.end));
  }
  return entry;
}

/// Entries in the order of their data, which they cover without gap or overlap. Errors: Malformed.
inline std::vector<SafetensorsEntry> parse_safetensors_header(std::string_view text, std::int64_t data_size) {
  nlohmann::json json;
  try {
    json = parse_safetensors_json(text);
  } catch (const nlohmann::json::exception& error) {
    throw Malformed(fmt::format("the header is not JSON: {}", error.what()));
  }
  if (!json.is_object()) throw Malformed("the header is not a JSON object");

  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name == metadata_key) continue;
    try {
      entries.push_back(parse_safetensors_entry(name, value));
    } catch (const std::exception& error) {
      throw Malformed(fmt::format("tensor \"{}\": {}", name, error.what()));
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::int64_t covered = 0;
  for (const auto& entry : entries) {
    if (entry.begin != covered) {
      throw Malformed(
          fmt::format("tensor \"{}\": expected its data at byte {}, got {}", entry.name, covered, entry.begin));
    }
    covered = entry.end;
  }
  if (covered != data_size) {
    throw Malformed(fmt::format("expected {} bytes of data as the header says, got {}", covered, data_size));
  }
  return entries;
}

}  // namespace g2d::io::detail
