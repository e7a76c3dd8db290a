// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Learning-rate schedules.

#include <g2d/learning_rate/schedule.hpp>  // IWYU pragma: export
