// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <c10/core/Device.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/ScalarType.h>
#include <c10/core/TensorOptions.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/input.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/teacher/detail/file_module.hpp>
#include <g2d/teacher/teacher.hpp>

/// Teachers from AOTInductor packages. Optional: not part of g2d/teacher.hpp.
namespace g2d {

namespace detail {

/// An AOTInductor package as a torch::nn::Module. Its weights belong to the compiled code, into which many are folded:
/// the one parameter is empty and tells dtype and device.
class CompiledModule : public FileModule {
 public:
  CompiledModule(const std::filesystem::path& path, at::Device device) : FileModule("read_aot_inductor_teacher", path) {
    check_compiled_for(device);
    turn_input_checks_on();
    try_loading(device, writer, [&] {
      const c10::DeviceIndex index = device.is_cpu() ? -1 : device.index();  // The CPU has no other.
      package_ =
          std::make_unique<Package>(path.string(), model_name, /*run_single_threaded=*/false, /*num_runners=*/1, index);
      register_parameter("<options>", at::empty({0}, options_of(*package_, device)), /*requires_grad=*/false);
      register_hash();
    });
  }

  [[nodiscard]] Teacher::Output forward(const Input& input) override {
    std::vector<at::Tensor> arguments{as_compiled(input.values)};
    if (input.lengths.defined()) arguments.push_back(as_compiled(input.lengths));
    auto outputs = run(arguments);
    if (outputs.size() != 2) {
      fail(fmt::format(
          "expected a forward that returns two tensors, (features, logits), got {}; wrap the model in one that does",
          outputs.size()));
    }
    if (input.values.size(0) == 1) return {outputs[0].slice(0, 0, 1), outputs[1].slice(0, 0, 1)};
    return {outputs[0], outputs[1]};
  }

 private:
  using Package = torch::inductor::AOTIModelPackageLoader;

  static constexpr const char* model_name = "model";  // Python's default
  static constexpr const char* writer = "torch._inductor.aoti_compile_and_package";

  /// Before any of its code is loaded.
  void check_compiled_for(at::Device device) const {
    std::string compiled_for;
    try_loading(device, writer, [&] {
      compiled_for = Package::load_metadata_from_package(path().string(), model_name)["AOTI_DEVICE_KEY"];
    });
    const auto asked = c10::DeviceTypeName(device.type(), /*lower_case=*/true);
    if (compiled_for != asked) {
      fail(fmt::format("expected a package compiled for {0}, got one for {1}; ask for {1}, or compile the model on {0}",
                       asked, compiled_for));
    }
  }

  /// Compiled code trusts its inputs: those of another shape or dtype give garbage or end the program. Every package
  /// looks at this variable once, at its first call.
  static void turn_input_checks_on() {
    [[maybe_unused]] static const int once = ::setenv("AOTI_RUNTIME_CHECK_INPUTS", "1", /*overwrite=*/1);
  }

  /// The dtype is the widest among the floating weights.
  static at::TensorOptions options_of(Package& package, at::Device device) {
    std::optional<at::ScalarType> widest;
    for (const auto& [name, dtype] : package.get_runner()->getConstantNamesToDtypes()) {
      const auto given = static_cast<at::ScalarType>(dtype);
      if (at::isFloatingType(given)) widest = widest ? at::promoteTypes(*widest, given) : given;
    }
    return at::TensorOptions(device).dtype(widest);
  }

  /// torch.export takes a dynamic batch to be of two or more, and the checks compare strides, those of sizes of 1 too.
  static at::Tensor as_compiled(const at::Tensor& tensor) {
    const auto rows = tensor.size(0) == 1 ? at::cat({tensor, tensor}) : tensor;
    return rows.contiguous().view(rows.sizes());
  }

  std::vector<at::Tensor> run(const std::vector<at::Tensor>& arguments) {
    // Operators that compiled code calls must give the dtypes it was compiled for.
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    try {
      return package_->run(arguments);
    } catch (const std::exception& error) {
      std::vector<std::string> given;
      for (const auto& argument : arguments) {
        given.push_back(fmt::format("{} {}", c10::toString(argument.scalar_type()), to_string(argument.sizes())));
      }
      throw ShapeError(
          fmt::format("g2d: {}: expected an input that the package was compiled for, got {} ({}); torch.export fixes "
                      "the dtype, and all sizes but those in dynamic_shapes",
                      where(), fmt::join(given, " and "), reason(error)));
    }
  }

  std::unique_ptr<Package> package_;
};

}  // namespace detail

/// A teacher from a package of compiled code, which Python's `torch._inductor.aoti_compile_and_package` writes. Its
/// `forward(values)`, or `forward(values, lengths)` for sequences, returns (features, logits).
///
/// Use when   the model exists in Python alone and was compiled on this machine; else `read_torch_script_teacher`. The
///            package is native code that runs with the rights of this program: read only what you trust.
/// Shapes     input [B, ...], of the dtype and sizes that torch.export was given, B dynamic; features [B,
///            feature_width]; logits [B, num_outputs].
/// Device     `device` is of the type that the package was compiled for, and inputs belong there.
/// Cost       of loading: the package is unpacked into a folder in TMPDIR, or /tmp, which goes with the teacher;
///            LibTorch leaves it there when loading fails. Of a pass: one sample costs as much as two, for it is given
///            twice.
/// Errors     DataError naming the file when it is missing, no package, or compiled for another device, and, at a call,
///            when it returns other than two tensors; ShapeError naming the file, at a call, for other widths, and for
///            inputs of a number, shape or dtype that it was not compiled for, another batch than a fixed one included.
///            LibTorch writes the reason to stderr too.
///
/// The code fits the processor and the LibTorch version that it was compiled for, and neither is checked. `Precision`
/// has no effect on it. Loading sets AOTI_RUNTIME_CHECK_INPUTS in the environment, which no other thread may use
/// meanwhile: compiled code checks its inputs only where that is set. The fingerprint covers the whole file.
[[nodiscard]] inline Teacher read_aot_inductor_teacher(const std::filesystem::path& path, std::int64_t feature_width,
                                                       std::int64_t num_outputs, at::Device device = at::kCPU) {
  return detail::teacher_of(std::make_shared<detail::CompiledModule>(path, device), feature_width, num_outputs);
}

}  // namespace g2d
