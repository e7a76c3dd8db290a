// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

// Registers a kernel: for one translation unit of a program.

#include <torch/library.h>
#include <torch/torch.h>

#include <cstddef>
#include <string>
#include <vector>

namespace g2d_test {

/// Lists, while it lives, the operators that make the host wait for a device: those that take a tensor on a device and
/// give a number, or a tensor in host memory, and copies from the host. One at a time in a program.
class HostWaits {
 public:
  HostWaits() : listening_(c10::DispatchKey::TESTING_ONLY_GenericMode) { found().clear(); }

  [[nodiscard]] static std::vector<std::string>& found() {
    static std::vector<std::string> names;
    return names;
  }

  /// Runs the operator, and looks at what went in and came out.
  static void look(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
    const auto num_arguments = op.schema().arguments().size();
    const auto before = places(torch::jit::last(*stack, num_arguments));
    const bool is_copy = op.schema().name() == "aten::copy_";
    {
      const c10::impl::ExcludeDispatchKeyGuard deaf(c10::DispatchKey::TESTING_ONLY_GenericMode);
      // Named before the call, which throws on the meta device.
      if (is_copy && before.on_device && before.on_host) found().push_back(op.schema().name());
      op.callBoxed(stack);
    }
    const auto after = places(torch::jit::last(*stack, op.schema().returns().size()));
    const bool leaves_device = before.on_device && (after.numbers || (after.on_host && !before.on_host));
    const bool enters_device = before.on_host && !before.on_device && after.on_device;
    if (leaves_device || enters_device) found().push_back(op.schema().name());
  }

 private:
  struct Places {
    bool on_device = false;
    bool on_host = false;
    bool numbers = false;
  };

  static Places places(c10::ArrayRef<c10::IValue> values) {
    Places found;
    const auto add = [&](const at::Tensor& tensor) {
      if (tensor.defined()) (tensor.is_cpu() ? found.on_host : found.on_device) = true;
    };
    for (const auto& value : values) {
      if (value.isTensor()) add(value.toTensor());
      if (value.isTensorList()) {
        for (const at::Tensor& tensor : value.toTensorList()) add(tensor);
      }
      if (value.isScalar() || value.isBool()) found.numbers = true;
    }
    return found;
  }

  c10::impl::IncludeDispatchKeyGuard listening_;
};

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&HostWaits::look>());
}

}  // namespace g2d_test
