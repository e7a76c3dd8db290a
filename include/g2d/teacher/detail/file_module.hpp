// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_file.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/Device.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/fingerprint.hpp>
#include <g2d/core/input.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/teacher/teacher.hpp>

namespace g2d::detail {

/// A model that is code and weights in one file, as a torch::nn::Module: what the readers of such files share.
class FileModule : public torch::nn::Module {
 public:
  /// `reader`: the public function, whose name begins every message.
  FileModule(std::string_view reader, const std::filesystem::path& path)
      : path_(path), where_(fmt::format("{}: {}", reader, path.string())) {
    std::error_code none;
    if (!std::filesystem::is_regular_file(path, none)) fail("expected a regular file, got none");
  }

  [[nodiscard]] virtual Teacher::Output forward(const Input& input) = 0;

  /// Beginning of a message: the function and the file.
  [[nodiscard]] const std::string& where() const { return where_; }

 protected:
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  [[noreturn]] void fail(std::string_view what) const { throw DataError(fmt::format("g2d: {}: {}", where_, what)); }

  /// A step of loading: what it throws becomes a DataError that names the file. `writer`: what writes such files in
  /// Python.
  template <class Step>
  void try_loading(at::Device device, std::string_view writer, const Step& step) const {
    try {
      step();
    } catch (const std::exception& error) {  // What the parser of scripts throws is no c10::Error.
      fail(fmt::format("cannot be loaded onto {}: {}; expected what Python's {} writes", device.str(), reason(error),
                       writer));
    }
  }

  /// Code and constants are neither parameters nor buffers, but a teacher with others is another teacher.
  void register_hash() {
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path_));
    const auto hash = Fingerprint().add(at::from_file(path_.string(), /*shared=*/false, size, at::kByte)).str();
    register_buffer("<file>", at::scalar_tensor(static_cast<std::int64_t>(std::stoull(hash, nullptr, 16)), at::kLong));
  }

  /// The first sentence, less the stack and LibTorch's guesses about corrupt files.
  static std::string reason(const std::exception& error) {
    std::string_view text = error.what();
    text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
    return std::string(text.substr(0, std::min({text.find('\n'), text.find(". "), text.find(".\n")})));
  }

 private:
  std::filesystem::path path_;
  std::string where_;
};

/// The file does not tell its widths: every call checks them.
[[nodiscard]] inline Teacher teacher_of(std::shared_ptr<FileModule> module, std::int64_t feature_width,
                                        std::int64_t num_outputs) {
  auto forward = [raw = module.get(), feature_width, num_outputs](const Input& input) {
    auto output = raw->forward(input);
    check_matrix(output.features, input.values.size(0), feature_width, raw->where() + ": features");
    check_matrix(output.logits, input.values.size(0), num_outputs, raw->where() + ": logits");
    return output;
  };
  return Teacher(std::move(module), std::move(forward), feature_width, num_outputs);
}

}  // namespace g2d::detail
