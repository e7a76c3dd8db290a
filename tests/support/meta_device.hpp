// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

// The meta device as an accelerator without values: whatever asks for one, as every wait for a device does, throws.
// Registers kernels: for one translation unit of a program.

#include <torch/library.h>
#include <torch/torch.h>

#include <cstdint>
#include <optional>

namespace g2d_test {

/// Module::to refuses the meta device for parameters that exist.
inline void become_meta(torch::nn::Module& module) {
  auto tensors = module.parameters();
  for (const auto& buffer : module.buffers()) tensors.push_back(buffer);
  for (const auto& tensor : tensors) {
    tensor.unsafeGetTensorImpl()->shallow_copy_from(tensor.detach().to(torch::kMeta).getIntrusivePtr());
  }
}

namespace meta {

inline void update_nothing(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  torch::jit::drop(*stack, op.schema().arguments().size());
}

inline at::Tensor& unary_out(const at::Tensor& self, at::Tensor& out) {
  out.resize_(self.sizes());
  return out;
}

inline at::Tensor& binary_out(const at::Tensor& self, const at::Tensor& other, at::Tensor& out) {
  out.resize_(at::infer_size(self.sizes(), other.sizes()));
  return out;
}

inline at::Tensor where(const at::Tensor& condition, const at::Tensor& yes, const at::Tensor& no) {
  const auto sizes = at::infer_size(condition.sizes(), at::infer_size(yes.sizes(), no.sizes()));
  return at::empty(sizes, yes.options().dtype(at::result_type(yes, no)));
}

inline at::Tensor mse_loss_backward(const at::Tensor& /*gradient*/, const at::Tensor& self,
                                    const at::Tensor& /*target*/, std::int64_t /*reduction*/) {
  return at::empty_like(self);
}

inline at::Tensor index_select(const at::Tensor& self, std::int64_t dim, const at::Tensor& index) {
  auto sizes = self.sizes().vec();
  sizes.at(static_cast<std::size_t>(dim)) = index.numel();
  return at::empty(sizes, self.options());
}

inline at::Tensor roll(const at::Tensor& self, c10::SymIntArrayRef /*shifts*/, at::IntArrayRef /*dims*/) {
  return at::empty_like(self);
}

inline at::Tensor relu(const at::Tensor& self) { return at::empty_like(self); }

inline at::Tensor max_of_all(const at::Tensor& self) { return at::empty({}, self.options()); }

inline at::Tensor std_of_all(const at::Tensor& self, at::OptionalIntArrayRef /*dim*/,
                             const std::optional<at::Scalar>& /*correction*/, bool /*keepdim*/) {
  return at::empty({}, self.options());
}

}  // namespace meta

// LibTorch has these for real devices only.
TORCH_LIBRARY_IMPL(aten, Meta, library) {
  for (const auto* name :
       {"_fused_sgd_", "_fused_adam_", "_fused_adamw_", "_amp_foreach_non_finite_check_and_unscale_"}) {
    library.impl(name, torch::CppFunction::makeFromBoxedFunction<&meta::update_nothing>());
  }
  library.impl("abs.out", &meta::unary_out);
  library.impl("logical_not.out", &meta::unary_out);
  library.impl("logical_and.out", &meta::binary_out);
  library.impl("logical_or.out", &meta::binary_out);
  library.impl("where.self", &meta::where);
  library.impl("mse_loss_backward", &meta::mse_loss_backward);
  library.impl("index_select", &meta::index_select);
  library.impl("relu", &meta::relu);
  library.impl("roll", &meta::roll);
  library.impl("max", &meta::max_of_all);
  library.impl("std.correction", &meta::std_of_all);
}

}  // namespace g2d_test
