// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <c10/core/Device.h>
#include <fmt/format.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/input.hpp>
#include <g2d/teacher/detail/file_module.hpp>
#include <g2d/teacher/teacher.hpp>

/// Teachers from TorchScript files. Optional: not part of g2d/teacher.hpp.
namespace g2d {

namespace detail {

/// A TorchScript file as a torch::nn::Module, whose parameters and buffers are the script's own, not copies.
class ScriptedModule : public FileModule {
 public:
  ScriptedModule(const std::filesystem::path& path, at::Device device) : FileModule("read_torch_script_teacher", path) {
    try_loading(device, "torch.jit.script(model).save(path)", [&] {
      script_ = torch::jit::load(path.string(), device);
      register_state(script_, *this);
      register_hash();
    });
    check_returns();
  }

  void train(bool on = true) override {
    torch::nn::Module::train(on);
    script_.train(on);
  }

  [[nodiscard]] Teacher::Output forward(const Input& input) override {
    check_takes(input);
    std::vector<c10::IValue> arguments{input.values};
    if (input.lengths.defined()) arguments.emplace_back(input.lengths);
    const auto output = script_.forward(std::move(arguments)).toTuple();
    return {output->elements()[0].toTensor(), output->elements()[1].toTensor()};
  }

 private:
  /// Module by module, for names with dots are refused: they become those of Python's state_dict.
  static void register_state(const torch::jit::Module& script, torch::nn::Module& module) {
    for (const auto& parameter : script.named_parameters(/*recurse=*/false)) {
      module.register_parameter(parameter.name, parameter.value, /*requires_grad=*/false);
    }
    for (const auto& buffer : script.named_buffers(/*recurse=*/false))
      module.register_buffer(buffer.name, buffer.value);
    for (const auto& child : script.named_children()) {
      register_state(child.value, *module.register_module(child.name, std::make_shared<torch::nn::Module>()));
    }
  }

  void check_returns() const {
    const auto method = script_.find_method("forward");
    if (!method) fail("expected a module with a forward, got none");
    const auto& type = method->function().getSchema().returns().at(0).type();
    const auto tuple = type->cast<c10::TupleType>();
    const auto is_tensor = [](const c10::TypePtr& element) { return element->isSubtypeOf(*c10::TensorType::get()); };
    if (!tuple || tuple->elements().size() != 2 || !std::ranges::all_of(tuple->elements(), is_tensor)) {
      fail(fmt::format(
          "expected a forward that returns two tensors, (features, logits), got {}; wrap the model in one that does",
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
      throw ShapeError(fmt::format("g2d: {}: expected an input for {}, got {}", where(), c10::toString(schema),
                                   input.lengths.defined() ? "values and lengths" : "values without lengths"));
    }
  }

  torch::jit::Module script_;
};

}  // namespace detail

/// A teacher from a TorchScript file: model and weights in one, without a class in C++. Its `forward(values)`, or
/// `forward(values, lengths)` for sequences, returns the tuple (features, logits).
///
/// Use when   the teacher was trained in Python and its architecture is not in C++; else `io::load_weights` and
///            `Teacher::of`, whose file runs no code. A script is a program: read only what you trust.
/// Shapes     input [B, ...]; features [B, feature_width]; logits [B, num_outputs].
/// Device     all tensors of the file are moved to `device`, and inputs belong there.
/// Cost       of a pass: that of the same layers in C++; the first ones are slower, for they compile the script.
/// Errors     DataError naming the file when it is missing or no TorchScript, or its forward returns anything else;
///            ShapeError naming the file, at a call, for other widths, and for lengths that its forward does not take
///            or lacks.
///
/// The fingerprint covers the whole file: code and constants too. A model after `torch.jit.freeze` has no parameters
/// that tell its dtype and device: `Teacher::options` gives LibTorch's defaults.
[[nodiscard]] inline Teacher read_torch_script_teacher(const std::filesystem::path& path, std::int64_t feature_width,
                                                       std::int64_t num_outputs, at::Device device = at::kCPU) {
  return detail::teacher_of(std::make_shared<detail::ScriptedModule>(path, device), feature_width, num_outputs);
}

}  // namespace g2d
