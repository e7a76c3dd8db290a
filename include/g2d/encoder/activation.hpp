// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

namespace g2d::encoder {

/// What follows each layer of an Mlp.
enum class Activation { Relu, Tanh };

}  // namespace g2d::encoder
