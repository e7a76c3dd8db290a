// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace g2d {

/// A 64-bit hash of tensors and texts: it tells one dataset, or one set of weights, from another. Not cryptographic.
///
/// Cost       one pass over host bytes at a few GB/s; tensors on a device are copied to the host first.
class Fingerprint {
 public:
  Fingerprint& add(const at::Tensor& tensor) {
    if (!tensor.defined()) return add("undefined");
    add(fmt::format("{}", c10::toString(tensor.scalar_type())));
    for (const auto size : tensor.sizes()) mix(static_cast<std::uint64_t>(size));
    const auto host = tensor.detach().cpu().contiguous().resolve_conj().resolve_neg();
    return add(std::string_view(static_cast<const char*>(host.const_data_ptr()), host.nbytes()));
  }

  Fingerprint& add(std::string_view bytes) {
    std::size_t position = 0;
    for (; position + sizeof(std::uint64_t) <= bytes.size(); position += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + position, sizeof word);
      mix(word);
    }
    std::uint64_t tail = 0;
    if (position < bytes.size()) std::memcpy(&tail, bytes.data() + position, bytes.size() - position);
    mix(tail);
    mix(bytes.size());
    return *this;
  }

  /// Sixteen hexadecimal digits.
  [[nodiscard]] std::string str() const { return fmt::format("{:016x}", state_); }

 private:
  void mix(std::uint64_t word) {
    state_ ^= word;
    state_ *= 0x9E3779B97F4A7C15ULL;
    state_ ^= state_ >> 32;
  }

  std::uint64_t state_ = 0x243F6A8885A308D3ULL;
};

}  // namespace g2d
