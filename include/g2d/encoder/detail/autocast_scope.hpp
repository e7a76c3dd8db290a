// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/autocast_mode.h>

#include <g2d/encoder/precision.hpp>

namespace g2d::encoder::detail {

/// Autocast to a precision below Full on one kind of device while it lives; what was set before is put back.
class AutocastScope {
 public:
  AutocastScope(at::DeviceType device, Precision precision)
      : device_(device),
        was_enabled_(at::autocast::is_autocast_enabled(device)),
        previous_dtype_(at::autocast::get_autocast_dtype(device)) {
    at::autocast::set_autocast_enabled(device, true);
    at::autocast::set_autocast_dtype(device, precision == Precision::BFloat16 ? at::kBFloat16 : at::kHalf);
    at::autocast::increment_nesting();
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;
  ~AutocastScope() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_dtype(device_, previous_dtype_);
    at::autocast::set_autocast_enabled(device_, was_enabled_);
  }

 private:
  at::DeviceType device_;
  bool was_enabled_;
  at::ScalarType previous_dtype_;
};

}  // namespace g2d::encoder::detail
