// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/io/key_report.hpp>
#include <g2d/io/tensor_file.hpp>
#include <g2d/io/tensors.hpp>

/// Weights to and from Python: the names are those of Python's state_dict, the ending of a file that is written chooses
/// its form.
///
///     io::save_weights(student, "student.safetensors");
///     io::load_weights(encoder, "resnet18.pth", {.ignored = {"fc."}});   // torchvision's, without its classifier
namespace g2d::io {

struct LoadOptions {
  /// false: missing and unexpected names are only reported. Shapes have to agree all the same.
  bool strict = true;
  /// Only the file's names that begin with it are read, without it: "audio_net.".
  std::string prefix = {};
  /// Beginnings of names, less the prefix, that are neither loaded nor asked for: "fc.".
  std::vector<std::string> ignored = {};
};

namespace detail {

inline void append_state(const torch::nn::Module& module, const std::string& prefix, Tensors& state) {
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    state.insert(prefix + parameter.key(), parameter.value());
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    state.insert(prefix + buffer.key(), buffer.value());
  }
  for (const auto& child : module.named_children()) append_state(*child.value(), prefix + child.key() + ".", state);
}

/// Whether a name begins with the prefix and, without it, with no ignored text.
inline bool is_selected(std::string_view name, std::string_view prefix, const std::vector<std::string>& ignored) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return std::none_of(ignored.begin(), ignored.end(),
                      [name](const std::string& beginning) { return name.starts_with(beginning); });
}

/// Without the ignored names, and without the prefix, which all that is kept had.
inline Tensors select(const Tensors& tensors, std::string_view prefix, const std::vector<std::string>& ignored) {
  Tensors selected;
  for (const auto& item : tensors) {
    if (is_selected(item.key(), prefix, ignored)) selected.insert(item.key().substr(prefix.size()), item.value());
  }
  return selected;
}

/// Whether it is the counter of a norm layer whose statistics the file has: files from before PyTorch 0.4.1, and those
/// of other tools, have none, and PyTorch leaves the model's as it is.
inline bool is_absent_counter(std::string_view name, const Tensors& given) {
  constexpr std::string_view counter = "num_batches_tracked";
  if (!name.ends_with(counter)) return false;
  name.remove_suffix(counter.size());
  return given.contains(fmt::format("{}running_mean", name));
}

inline bool is_finite(const at::Tensor& values) {
  return !values.is_floating_point() || at::isfinite(values).all().item<bool>();
}

/// Values that are not finite fit a tensor alone that has such values itself, as a mask may.
inline KeyReport compare(const Tensors& own, const Tensors& given) {
  KeyReport report;
  for (const auto& item : own) {
    const auto* found = given.find(item.key());
    if (found == nullptr) {
      if (!is_absent_counter(item.key(), given)) report.missing.push_back(item.key());
    } else if (found->sizes() != item.value().sizes()) {
      report.mismatched.push_back(fmt::format("{} {} for {}", item.key(), g2d::to_string(found->sizes()),
                                              g2d::to_string(item.value().sizes())));
    } else if (found->is_complex() && !item.value().is_complex()) {
      report.mismatched.push_back(fmt::format("{} {} for {}", item.key(), c10::toString(found->scalar_type()),
                                              c10::toString(item.value().scalar_type())));
    } else if (is_finite(item.value()) && !is_finite(*found)) {
      report.mismatched.push_back(fmt::format("{} with values that are infinite or no number", item.key()));
    }
  }
  for (const auto& item : given) {
    if (!own.contains(item.key())) report.unexpected.push_back(item.key());
  }
  return report;
}

}  // namespace detail

/// The parameters and buffers of a module, not copied, by the names and in the order of Python's state_dict.
[[nodiscard]] inline Tensors state_of(const torch::nn::Module& module) {
  Tensors state;
  detail::append_state(module, "", state);
  return state;
}

/// Writes named tensors, each name behind the prefix. The file appears whole or not at all.
/// Errors: as write_tensors.
inline void save_weights(const Tensors& state, const std::filesystem::path& path, std::string_view prefix = {}) {
  Tensors named;
  for (const auto& item : state) named.insert(fmt::format("{}{}", prefix, item.key()), item.value());
  write_tensors(named, path);
}

inline void save_weights(const torch::nn::Module& module, const std::filesystem::path& path,
                         std::string_view prefix = {}) {
  save_weights(state_of(module), path, prefix);
}

/// Copies a file's tensors into those given, converting dtype and device, and reports which names had no partner. A
/// norm layer whose counter (num_batches_tracked) the file lacks keeps its own, as in PyTorch; that is not reported.
///
/// Errors     as read_tensors; DataError with the first names of each list when the names (unless `strict` is off) or
///            the shapes do not agree, or a value is not finite where the model's are. Nothing has been changed then.
inline KeyReport load_weights(const Tensors& state, const std::filesystem::path& path,
                              const LoadOptions& options = {}) {
  const auto own = detail::select(state, "", options.ignored);
  const auto is_wanted = [&](const std::string& name) {
    return detail::is_selected(name, options.prefix, options.ignored);
  };
  const auto given = detail::select(read_tensors(path, is_wanted), options.prefix, {});
  auto report = detail::compare(own, given);
  if (!report.mismatched.empty() || (options.strict && !report.matches())) {
    throw DataError(fmt::format("g2d: io::load_weights: {}: expected the tensors of the model, got {}; see LoadOptions",
                                path.string(), to_string(report)));
  }
  const at::NoGradGuard no_grad;
  for (const auto& item : own) {
    if (const auto* source = given.find(item.key())) item.value().copy_(*source);
  }
  return report;
}

inline KeyReport load_weights(torch::nn::Module& module, const std::filesystem::path& path,
                              const LoadOptions& options = {}) {
  return load_weights(state_of(module), path, options);
}

}  // namespace g2d::io
