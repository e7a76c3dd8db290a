// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <g2d/train/detail/buffer_guard.hpp>

#include "support/catch.hpp"
#include "support/snapshot.hpp"

namespace {

using g2d::detail::BufferGuard;
using g2d_test::bytes;

/// Of several dtypes and shapes, in turn; one is no piece of memory, one has no values.
std::vector<at::Tensor> buffers() {
  return {torch::arange(3.0),
          torch::tensor(7, torch::kLong),
          torch::arange(6.0).view({2, 3}).t(),
          torch::tensor(3, torch::kLong),
          torch::arange(2.0, torch::kDouble),
          torch::empty({0}),
          torch::tensor(std::numeric_limits<float>::infinity())};
}

/// What a step that is not finite leaves behind.
void spoil(std::vector<at::Tensor>& tensors) {
  for (auto& tensor : tensors) tensor.is_floating_point() ? tensor.fill_(std::nan("")) : tensor.add_(1);
}

std::vector<std::string> contents(const std::vector<at::Tensor>& tensors) {
  std::vector<std::string> contents;
  for (const auto& tensor : tensors) contents.push_back(bytes(tensor));
  return contents;
}

}  // namespace

TEST_CASE("BufferGuard: a tensor selects the old values or the new ones, whatever they are", "[buffer_guard]") {
  auto tensors = buffers();
  BufferGuard guard(tensors);
  guard.save();
  spoil(tensors);
  const auto spoiled = contents(tensors);
  guard.select(torch::tensor(false));
  CHECK(contents(tensors) == spoiled);
  guard.select(torch::tensor(true));
  CHECK(contents(tensors) == contents(buffers()));
  guard.save();
  for (auto& tensor : tensors) tensor.zero_();
  guard.select(torch::tensor(true));
  CHECK(contents(tensors) == contents(buffers()));
}

TEST_CASE("BufferGuard: selects as it restores", "[buffer_guard]") {
  auto tensors = buffers();
  BufferGuard guard(tensors);
  guard.save();
  spoil(tensors);
  const auto spoiled = contents(tensors);
  guard.restore_if(torch::tensor(false));
  CHECK(contents(tensors) == spoiled);
  guard.restore_if(torch::tensor(true));
  CHECK(contents(tensors) == contents(buffers()));
}

TEST_CASE("BufferGuard: follows buffers that take another dtype", "[buffer_guard]") {
  auto tensors = buffers();
  BufferGuard guard(tensors);
  guard.save();
  spoil(tensors);
  guard.select(torch::tensor(true));
  for (auto& tensor : tensors) {
    if (tensor.scalar_type() == torch::kFloat) tensor.set_data(tensor.to(torch::kDouble).div(3.0));
  }
  const auto thirds = contents(tensors);
  guard.save();
  spoil(tensors);
  guard.select(torch::tensor(true));
  CHECK(contents(tensors) == thirds);
}

TEST_CASE("BufferGuard: without buffers there is nothing to do", "[buffer_guard]") {
  BufferGuard guard({});
  guard.save();
  guard.restore_if(torch::tensor(true));
  guard.select(torch::tensor(true));
}
