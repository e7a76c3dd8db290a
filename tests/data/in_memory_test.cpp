// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// What a dataset in memory asks of a device.

#include <torch/torch.h>

#include <c10/core/CachingDeviceAllocator.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/free_device_memory.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/data/to_device.hpp>

#include "support/catch.hpp"
#include "support/thrown.hpp"

namespace {

using namespace g2d;
using g2d_test::thrown;

/// Of a device that has so much memory left, and of whose memory LibTorch holds so much.
class Memory : public c10::DeviceAllocator {
 public:
  enum class Knows { Nothing, Free, All };
  struct Numbers {
    std::size_t free;
    std::int64_t reserved = 0;
    std::int64_t allocated = 0;
    Knows knows = Knows::All;
  };

  explicit Memory(Numbers numbers) : numbers_(numbers) {}

  c10::DataPtr allocate(std::size_t) override { return {nullptr, torch::kMeta}; }
  void copy_data(void*, const void*, std::size_t) const override {}
  bool initialized() override { return numbers_.knows == Knows::All; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override {
    TORCH_CHECK(numbers_.knows == Knows::All);
    c10::CachingDeviceAllocator::DeviceStats stats;
    stats.reserved_bytes[0].current = numbers_.reserved;
    stats.allocated_bytes[0].current = numbers_.allocated;
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}
  std::pair<std::size_t, std::size_t> getMemoryInfo(c10::DeviceIndex device) override {
    if (numbers_.knows == Knows::Nothing) return DeviceAllocator::getMemoryInfo(device);
    return {numbers_.free, numbers_.free};
  }

 private:
  Numbers numbers_;
};

/// The meta device has this memory, while it lives.
class MetaDevice {
 public:
  explicit MetaDevice(Memory::Numbers numbers) : memory_(numbers) { c10::SetAllocator(torch::kMeta, &memory_); }
  MetaDevice(const MetaDevice&) = delete;
  MetaDevice& operator=(const MetaDevice&) = delete;
  ~MetaDevice() { c10::SetAllocator(torch::kMeta, before_); }

 private:
  c10::Allocator* before_ = c10::GetAllocator(torch::kMeta);
  Memory memory_;
};

/// 10 samples of 4 + 6 float32, a length and a label, and whether both are there: 58 bytes each.
data::InMemory samples() {
  return {{"audio", "image"},
          {Input(torch::randn({10, 4, 1}), torch::full({10}, 4, torch::kLong)), torch::randn({10, 6})},
          torch::arange(10),
          /*sample_ids=*/{},
          torch::ones({10, 2}, torch::kBool)};
}

}  // namespace

TEST_CASE("data::InMemory: asks before it goes to a device that has no room, and goes where there is room",
          "[in_memory]") {
  const auto dataset = samples();
  CHECK(dataset.bytes() == 580);
  {
    const MetaDevice small({.free = 579});
    CHECK(thrown<DataError>([&] { (void)dataset.to(torch::kMeta); }) ==
          "g2d: data::InMemory: to meta: expected 580 bytes of free memory, got 579; keep the samples in host memory "
          "(pinning_batches), "
          "or use data::Streaming");
    CHECK(dataset.to(torch::kCPU).bytes() == 580);
  }
  const MetaDevice large({.free = 580});
  const auto moved = dataset.to(torch::kMeta).all();
  CHECK(moved.inputs[0].values.is_meta());
  CHECK(moved.inputs[0].lengths.is_meta());
  CHECK(moved.inputs[1].values.is_meta());
  CHECK(moved.target.is_meta());
  CHECK(moved.present.is_meta());
  CHECK(moved.sample_ids.is_cpu());
}

TEST_CASE("data::InMemory: a device that holds the samples is not asked for more", "[in_memory]") {
  const auto there = samples().to(torch::kMeta);
  const MetaDevice full({.free = 0});
  CHECK(there.to(torch::kMeta).bytes() == 580);
}

TEST_CASE("free_device_memory: counts what LibTorch holds and does not use, and is nothing where nobody knows",
          "[in_memory]") {
  using Knows = Memory::Knows;
  const auto of = [](Memory::Numbers numbers) {
    const MetaDevice device(numbers);
    return free_device_memory(torch::kMeta);
  };
  CHECK(of({.free = 100, .reserved = 50, .allocated = 20}) == 130);
  CHECK(of({.free = 100, .reserved = 50, .allocated = 20, .knows = Knows::Free}) == 100);
  CHECK(of({.free = 100, .knows = Knows::Nothing}) == std::nullopt);
  CHECK(free_device_memory(torch::kMeta) == std::nullopt);
  CHECK(free_device_memory(torch::kCPU) == std::nullopt);
}

TEST_CASE("data::InMemory: batches are page-locked where that is asked for, and hold the same", "[in_memory][device]") {
  const auto dataset = samples();
  const auto rows = torch::tensor({7, 3});
  const auto expected = dataset.batch(rows);
  const auto batch = dataset.pinning_batches().batch(rows);
  CHECK(batch.inputs[0].values.is_pinned());
  CHECK(batch.inputs[0].lengths.is_pinned());
  CHECK(batch.target.is_pinned());
  CHECK(batch.present.is_pinned());
  CHECK_FALSE(batch.sample_ids.is_pinned());
  CHECK(batch.inputs[1].values.equal(expected.inputs[1].values));
  CHECK(batch.target.equal(expected.target));
  CHECK_FALSE(dataset.pinning_batches().subset(rows).all().target.is_pinned());
  const auto device = at::accelerator::getAccelerator(/*checked=*/true).value();
  CHECK_FALSE(dataset.to(device).pinning_batches().batch(rows).target.is_cpu());
}
