// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <c10/core/Allocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Device.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace g2d {

/// The bytes that tensors can at most still take on a device: what it has left, and what LibTorch keeps of it without
/// using it. Nothing for host memory, and where LibTorch's allocator cannot say.
[[nodiscard]] inline std::optional<std::int64_t> free_device_memory(c10::Device device) {
  if (device.is_cpu()) return {};
  try {
    auto* allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(device.type()));
    if (allocator == nullptr) return {};
    const auto index =
        device.has_index() ? device.index() : c10::impl::VirtualGuardImpl(device.type()).getDevice().index();
    auto bytes = static_cast<std::int64_t>(allocator->getMemoryInfo(index).first);
    if (!allocator->initialized()) return bytes;
    constexpr auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    const auto stats = allocator->getDeviceStats(index);
    return bytes + stats.reserved_bytes[all].current - stats.allocated_bytes[all].current;
  } catch (const c10::Error&) {  // of allocators that do not know, and of devices that this LibTorch lacks
    return {};
  }
}

}  // namespace g2d
