// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <Eigen/Core>

#include <cstdint>

#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/reference/linear.hpp>
#include <g2d/reference/types.hpp>

/// Between LibTorch and the reference: everything is copied, to double precision and host memory on Eigen's side.
namespace g2d::interop {

namespace detail {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace detail

/// [B, D] as a matrix; [D] as one row; a scalar as [1, 1]. Errors: ShapeError for more than two dimensions.
[[nodiscard]] inline reference::Matrix to_matrix(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.dim() > 2) {
    throw ShapeError(fmt::format("g2d: interop::to_matrix: expected at most 2 dimensions, got {}",
                                 tensor.defined() ? to_string(tensor.sizes()) : std::string("no tensor")));
  }
  const auto values = tensor.detach().to(at::kCPU, at::kDouble).contiguous().resolve_neg();
  const auto columns = values.dim() == 0 ? 1 : values.size(-1);
  const auto rows = values.dim() == 2 ? values.size(0) : 1;
  return Eigen::Map<const detail::RowMajor>(values.const_data_ptr<double>(), rows, columns);
}

/// One matrix for each tensor.
[[nodiscard]] inline reference::PerModality to_matrices(ModalitySpan<at::Tensor> tensors) {
  reference::PerModality matrices;
  for (const auto& tensor : tensors) matrices.push_back(to_matrix(tensor));
  return matrices;
}

/// int64 [B] as class indices. Errors: ShapeError for another rank or dtype.
[[nodiscard]] inline reference::Labels to_labels(const at::Tensor& labels) {
  if (!labels.defined() || labels.dim() != 1 || labels.scalar_type() != at::kLong) {
    throw ShapeError("g2d: interop::to_labels: expected int64 [B], got another tensor");
  }
  const auto values = labels.to(at::kCPU).contiguous().resolve_neg();
  return {values.const_data_ptr<std::int64_t>(), values.const_data_ptr<std::int64_t>() + values.numel()};
}

/// A layer from weight [out, in] and bias [out].
[[nodiscard]] inline reference::Linear to_linear(const at::Tensor& weight, const at::Tensor& bias) {
  return {to_matrix(weight), to_matrix(bias)};
}

/// [B, D], float64 in host memory.
[[nodiscard]] inline at::Tensor to_tensor(const reference::Matrix& matrix) {
  const detail::RowMajor values = matrix;
  // from_blob does not own: the clone does.
  return at::from_blob(const_cast<double*>(values.data()), {values.rows(), values.cols()}, at::kDouble).clone();
}

}  // namespace g2d::interop
