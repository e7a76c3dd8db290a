// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/core/utf8.hpp>
#include <g2d/io/detail/ending.hpp>
#include <g2d/io/npz.hpp>
#include <g2d/io/safetensors.hpp>
#include <g2d/io/tensors.hpp>

namespace g2d::dataset::detail {

/// The samples of one file of features.
struct FeatureSplit {
  std::filesystem::path path;
  std::vector<std::string> names;
  at::Tensor labels;                ///< int64 or float64 [N], or float64 [N, C].
  std::vector<at::Tensor> values;   ///< Of each modality, float32 or float64 [N, T, D], finite.
  std::vector<at::Tensor> lengths;  ///< Of each modality, int64 [N] in 0 ... T.
};

/// Reads one file, array by array; arrays that have no part in it may be of any dtype.
class FeatureSplitReader {
 public:
  /// `train`: of the test file, which may lack modalities that the training file has. Null: of another file.
  FeatureSplitReader(std::filesystem::path path, const std::vector<std::string>& modalities, const FeatureSplit* train,
                     std::vector<std::string>& warnings)
      : path_(std::move(path)), train_(train), warnings_(warnings) {
    std::set<std::string> used{"labels", "ids"};
    for (const auto& modality : modalities) used.insert({modality, modality + "_lengths"});
    std::vector<std::string> unused;
    const auto is_used = [&](const std::string& name) {
      if (!used.contains(name)) unused.push_back(name);
      return used.contains(name);
    };
    tensors_ = io::detail::lower_case_ending(path_) == ".npz" ? io::read_npz(path_, is_used)
                                                              : io::read_safetensors(path_, is_used);
    if (!unused.empty()) warnings_.push_back(fmt::format("{}: not used: {}", path_.string(), fmt::join(unused, ", ")));
  }

  [[nodiscard]] FeatureSplit read(const std::vector<std::string>& modalities) {
    FeatureSplit split{.path = path_, .names = {}, .labels = labels(), .values = {}, .lengths = {}};
    const auto count = split.labels.size(0);
    split.names = names(count);
    for (std::size_t m = 0; m < modalities.size(); ++m) {
      const auto& modality = modalities[m];
      const bool is_absent = train_ != nullptr && !find(modality).defined();
      split.values.push_back(is_absent ? at::zeros({count, 1, train_->values[m].size(2)}) : values(modality, count));
      split.lengths.push_back(is_absent ? at::zeros({count}, at::kLong) : lengths(modality, split.values.back()));
    }
    return split;
  }

 private:
  [[noreturn]] void fail(std::string_view name, std::string_view expected, std::string_view got) const {
    throw DataError(fmt::format("g2d: dataset::read_feature_files: {}: array \"{}\": expected {}, got {}",
                                path_.string(), name, expected, got));
  }

  [[noreturn]] void fail(std::string_view name, std::string_view expected, const at::Tensor& got) const {
    fail(name, expected, fmt::format("{} {}", c10::toString(got.scalar_type()), to_string(got.sizes())));
  }

  /// Undefined where there is none of that name.
  [[nodiscard]] at::Tensor find(const std::string& name) const {
    const auto* found = tensors_.find(name);
    return found == nullptr ? at::Tensor() : *found;
  }

  [[nodiscard]] at::Tensor get(const std::string& name) {
    auto tensor = find(name);
    if (!tensor.defined()) fail(name, "it to be there", fmt::format("only [{}]", fmt::join(tensors_.keys(), ", ")));
    return tensor;
  }

  [[nodiscard]] at::Tensor labels() {
    const auto given = get("labels");
    const bool is_integer = at::isIntegralType(given.scalar_type(), /*includeBool=*/true);
    const bool is_column = given.dim() == 2 && given.size(1) == 1;
    if (given.dim() < 1 || given.dim() > 2 || given.numel() == 0 || !(is_integer || given.is_floating_point())) {
      fail("labels", "classes [N], or labels or values [N, C]", given);
    }
    if (is_integer && (given.dim() == 1 || is_column)) return given.to(at::kLong).reshape({-1});
    auto values = given.to(at::kDouble);
    if (!values.isfinite().all().item<bool>()) fail("labels", "finite values", "NaN or infinity");
    return values;
  }

  /// The ids as text, or "<file>:<row>".
  [[nodiscard]] std::vector<std::string> names(std::int64_t count) {
    const auto ids = find("ids");
    std::vector<std::string> names;
    if (!ids.defined()) {
      for (std::int64_t row = 0; row < count; ++row) names.push_back(fmt::format("{}:{}", path_.stem().string(), row));
      return names;
    }
    if (ids.dim() != 2 || ids.size(0) != count || ids.scalar_type() != at::kByte)
      fail("ids", fmt::format("uint8 [{}, W]", count), ids);
    const auto bytes = ids.contiguous();
    const auto width = static_cast<std::size_t>(ids.size(1));
    const auto* text = reinterpret_cast<const char*>(bytes.const_data_ptr<std::uint8_t>());
    for (std::int64_t row = 0; row < count; ++row, text += width) names.emplace_back(text, strnlen(text, width));
    for (const auto& name : names) {
      if (!is_utf8(name)) fail("ids", "UTF-8 texts", fmt::format("{:?}", name));
    }
    return names;
  }

  [[nodiscard]] at::Tensor values(const std::string& modality, std::int64_t count) {
    const auto given = get(modality);
    if (given.dim() != 3 || given.size(0) != count || given.numel() == 0 || !given.is_floating_point()) {
      fail(modality, fmt::format("floating point values [{}, T, D] as there are labels", count), given);
    }
    const auto values = given.scalar_type() == at::kDouble ? given : given.to(at::kFloat).contiguous();
    const auto is_wrong = values.to(at::kFloat).isfinite().logical_not();
    const auto num_wrong = is_wrong.sum().item<std::int64_t>();
    if (num_wrong == 0) return values;
    warnings_.push_back(fmt::format("{}: array \"{}\": {} of {} values are NaN or infinity: replaced by 0",
                                    path_.string(), modality, num_wrong, values.numel()));
    return values.masked_fill(is_wrong, 0);
  }

  /// Those given; else the number of steps without the zeros at the end.
  [[nodiscard]] at::Tensor lengths(const std::string& modality, const at::Tensor& values) {
    const auto name = modality + "_lengths";
    const auto given = find(name);
    if (!given.defined()) {
      const auto steps = at::arange(1, values.size(1) + 1, at::kLong);
      return values.ne(0).any(2).to(at::kLong).mul_(steps).amax(1);
    }
    if (given.dim() != 1 || given.size(0) != values.size(0) ||
        !at::isIntegralType(given.scalar_type(), /*includeBool=*/false)) {
      fail(name, fmt::format("int64 [{}]", values.size(0)), given);
    }
    const auto lengths = given.to(at::kLong).contiguous();
    const auto wrong = lengths.lt(0).logical_or(lengths.gt(values.size(1))).nonzero();
    if (wrong.size(0) > 0) {
      const auto row = wrong[0].item<std::int64_t>();
      fail(name, fmt::format("lengths from 0 to {}", values.size(1)),
           fmt::format("{} in row {}", lengths[row].item<std::int64_t>(), row));
    }
    return lengths;
  }

  std::filesystem::path path_;
  const FeatureSplit* train_;
  io::Tensors tensors_;
  std::vector<std::string>& warnings_;
};

}  // namespace g2d::dataset::detail
