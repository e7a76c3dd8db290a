// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <ATen/ops/from_file.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/Device.h>
#include <fmt/format.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/fingerprint.hpp>
#include <g2d/core/input.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/teacher/teacher.hpp>

/// Teachers from TorchScript files. Optional: not part of g2d/teacher.hpp.
namespace g2d {

namespace detail {

/// A TorchScript file as a torch::nn::Module, whose parameters and buffers are the script's own, not copies.
class ScriptedModule : public torch::nn::Module {
 public:
  ScriptedModule(const std::filesystem::path& path, at::Device device)
      : where_(fmt::format("read_torch_script_teacher: {}", path.string())) {
    std::error_code none;
    if (!std::filesystem::is_regular_file(path, none)) fail("expected a regular file, got none");
    try {
      script_ = torch::jit::load(path.string(), device);
      register_state(script_, *this);
      register_buffer("<file>", hash_of(path));
    } catch (const std::exception& error) {  // What the parser of scripts throws is no c10::Error.
      fail(fmt::format("cannot be loaded onto {}: {}; expected what Python's torch.jit.script(model).save(path) writes", device.str(),
                       reason(error)));
    }
    check_returns();
  }

  void train(bool on = true) override {
    torch::nn::Module::train(on);
    script_.train(on);
  }

  [[nodiscard]] Teacher::Output forward(const Input& input) {
    check_takes(input);
    std::vector<c10::IValue> arguments{input.values};
    if (input.lengths.defined()) arguments.emplace_back(input.lengths);
    const auto output = script_.forward(std::move(arguments)).toTuple();
    return {output->elements()[0].toTensor(), output->elements()[1].toTensor()};
  }

  /// Beginning of a message: the function and the file.
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  [[noreturn]] void fail(std::string_view what) const { throw DataError(fmt::format("g2d: {}: {}", where_, what)); }

  /// Module by module, for names with dots are refused: they become those of Python's state_dict.
  static void register_state(const torch::jit::Module& script, torch::nn::Module& module) {
    for (const auto& parameter : script.named_parameters(/*recurse=*/false)) {
      module.register_parameter(parameter.name, parameter.value, /*requires_grad=*/false);
    }
    for (const auto& buffer : script.named_buffers(/*recurse=*/false)) module.register_buffer(buffer.name, buffer.value);
    for (const auto& child : script.named_children()) {
      register_state(child.value, *module.register_module(child.name, std::make_shared<torch::nn::Module>()));
    }
  }

  /// Code and constants are neither parameters nor buffers, but a teacher with others is another teacher.
  static at::Tensor hash_of(const std::filesystem::path& path) {
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path));
    const auto hash = Fingerprint().add(at::from_file(path.string(), /*shared=*/false, size, at::kByte)).str();
    return at::scalar_tensor(static_cast<std::int64_t>(std::stoull(hash, nullptr, 16)), at::kLong);
  }

  /// The first sentence, less the stack and LibTorch's guesses about corrupt files.
  static std::string reason(const std::exception& error) {
    std::string_view text = error.what();
    text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
    return std::string(text.substr(0, std::min(text.find('\n'), text.find(". "))));
  }

  void check_returns() const {
    const auto method = script_.find_method("forward");
    if (!method) fail("expected a module with a forward, got none");
    const auto& type = method->function().getSchema().returns().at(0).type();
    const auto tuple = type->cast<c10::TupleType>();
    const auto is_tensor = [](const c10::TypePtr& element) { return element->isSubtypeOf(*c10::TensorType::get()); };
    if (!tuple || tuple->elements().size() != 2 || !std::ranges::all_of(tuple->elements(), is_tensor)) {
      fail(fmt::format("expected a forward that returns two tensors, (features, logits), got {}; wrap the model in one that does",
                       type->str()));
    }
  }

  void check_takes(const Input& input) const {
    const auto method = script_.get_method("forward");
    const auto& schema = method.function().getSchema();
    const auto& arguments = schema.arguments();  // The first is the module itself.
    const std::size_t num_given = input.lengths.defined() ? 3 : 2;
    const auto is_given_or_has_default = [&](const c10::Argument& argument) {
      return &argument < arguments.data() + num_given || argument.default_value();
    };
    if (arguments.size() < num_given || !std::ranges::all_of(arguments, is_given_or_has_default)) {
      throw ShapeError(fmt::format("g2d: {}: expected an input for {}, got {}", where_, c10::toString(schema),
                                   input.lengths.defined() ? "values and lengths" : "values without lengths"));
    }
  }

  std::string where_;
  torch::jit::Module script_;
};

}  // namespace detail

/// A teacher from a TorchScript file: model and weights in one, without a class in C++. Its `forward(values)`, or
/// `forward(values, lengths)` for sequences, returns the tuple (features, logits).
///
/// Use when   the teacher was trained in Python and its architecture is not in C++; else `io::load_weights` and `Teacher::of`,
///            whose file runs no code. A script is a program: read only what you trust.
/// Shapes     input [B, ...]; features [B, feature_width]; logits [B, num_outputs].
/// Device     all tensors of the file are moved to `device`, and inputs belong there.
/// Cost       of a pass: that of the same layers in C++; the first ones are slower, for they compile the script.
/// Errors     DataError naming the file when it is missing or no TorchScript, or its forward returns anything else; ShapeError
///            naming the file, at a call, for other widths, and for lengths that its forward does not take or lacks.
///
/// The fingerprint covers the whole file: code and constants too. A model after `torch.jit.freeze` has no parameters that
/// tell its dtype and device: `Teacher::options` gives LibTorch's defaults.
[[nodiscard]] inline Teacher read_torch_script_teacher(const std::filesystem::path& path, std::int64_t feature_width,
                                                       std::int64_t num_outputs, at::Device device = at::kCPU) {
  auto module = std::make_shared<detail::ScriptedModule>(path, device);
  auto forward = [raw = module.get(), feature_width, num_outputs](const Input& input) {
    auto output = raw->forward(input);
    check_matrix(output.features, input.values.size(0), feature_width, raw->where() + ": features");
    check_matrix(output.logits, input.values.size(0), num_outputs, raw->where() + ": logits");
    return output;
  };
  return Teacher(std::move(module), std::move(forward), feature_width, num_outputs);
}

}  // namespace g2d
