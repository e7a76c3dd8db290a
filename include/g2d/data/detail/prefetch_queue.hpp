// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/data/detail/collate.hpp>
#include <g2d/data/detail/pin.hpp>
#include <g2d/data/samples.hpp>

namespace g2d::data::detail {

/// Threads that read the samples of a pass ahead of its consumer. What comes out is the same for any number of them:
/// batch by batch in order, and of several failing samples of a batch the first one's error.
class PrefetchQueue {
 public:
  PrefetchQueue(Samples samples, std::vector<at::Tensor> batches, std::int64_t epoch, std::int64_t num_workers,
                std::int64_t capacity, bool pins)
      : samples_(std::move(samples)), epoch_(epoch), capacity_(static_cast<std::size_t>(capacity)), pins_(pins) {
    for (auto& rows : batches) slots_.emplace_back(std::move(rows), samples_.names().size());
    start(num_workers);
  }

  PrefetchQueue(const PrefetchQueue&) = delete;
  PrefetchQueue& operator=(const PrefetchQueue&) = delete;
  ~PrefetchQueue() {
    for (auto& worker : workers_) worker.request_stop();
    work_.notify_all();
  }

  /// Waits for the next batch. Errors: what reading its samples threw.
  [[nodiscard]] Batch next() {
    std::unique_lock lock(mutex_);
    auto& slot = slots_.at(num_consumed_);
    done_.wait(lock, [&] { return slot.is_done; });
    ++num_consumed_;
    lock.unlock();
    work_.notify_all();
    if (slot.error) std::rethrow_exception(slot.error);
    return std::move(slot.batch);
  }

 private:
  struct Slot {
    Slot(at::Tensor rows_, std::size_t num_modalities)
        : rows(std::move(rows_)), num_left(rows.size(0)), columns(num_modalities) {}

    at::Tensor rows;
    std::int64_t num_taken = 0;
    std::int64_t num_left;
    std::int64_t error_position = 0;
    std::exception_ptr error;
    std::vector<Column> columns;  // sized when its first sample is taken
    Batch batch;
    bool is_done = false;
  };

  /// Decoding is one thread a sample: the workers must not call all cores to help. LibTorch keeps the number of threads
  /// for each thread and once for all new ones, so workers set theirs first, and the caller's is put back after them.
  /// One at a time: in a forked process LibTorch makes its thread pool anew at the first call, without a lock.
  void start(std::int64_t num_workers) {
    const int num_threads = at::get_num_threads();
    for (std::int64_t i = 0; i < num_workers; ++i) {
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return num_started_ == num_workers; });
    at::set_num_threads(num_threads);
  }

  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    at::set_num_threads(1);
    ++num_started_;
    done_.notify_all();
    while (true) {
      if (!work_.wait(lock, stop, [&] { return num_taken_ < std::min(slots_.size(), num_consumed_ + capacity_); }))
        return;
      auto& slot = slots_[num_taken_];
      const auto position = slot.num_taken++;
      if (position == 0) {
        for (auto& column : slot.columns) column.resize(static_cast<std::size_t>(slot.rows.size(0)));
      }
      if (slot.num_taken == slot.rows.size(0)) ++num_taken_;
      lock.unlock();
      auto error = attempt([&] {
        read_sample(samples_, slot.rows.const_data_ptr<std::int64_t>()[position], epoch_, slot.columns, position);
      });
      lock.lock();
      if (error && (!slot.error || position < slot.error_position)) {
        slot.error = error;
        slot.error_position = position;
      }
      if (--slot.num_left > 0) continue;
      lock.unlock();
      if (!slot.error)
        slot.error =
            attempt([&] { slot.batch = pin_if(pins_, collate(samples_, slot.rows, std::move(slot.columns))); });
      lock.lock();
      slot.is_done = true;
      done_.notify_all();
    }
  }

  template <class Action>
  static std::exception_ptr attempt(const Action& action) {
    try {
      action();
    } catch (...) {
      return std::current_exception();
    }
    return nullptr;
  }

  Samples samples_;
  std::int64_t epoch_;
  std::size_t capacity_;
  bool pins_;
  std::vector<Slot> slots_;
  std::int64_t num_started_ = 0;
  std::size_t num_taken_ = 0;  // slots whose samples have all been taken
  std::size_t num_consumed_ = 0;
  std::mutex mutex_;
  std::condition_variable_any work_;
  std::condition_variable done_;
  std::vector<std::jthread> workers_;  // last: they end before what they use
};

}  // namespace g2d::data::detail
