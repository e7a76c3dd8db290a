// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: Student: this fusion joins more modalities than there are encoders

// Film needs a modality that conditions and one that is conditioned.

#include <g2d/encoder/mlp.hpp>
#include <g2d/train/student.hpp>

using g2d::encoder::Mlp;
#if defined(G2D_EXPECT_ERROR)
using Net = g2d::Student<g2d::fusion::Film, Mlp>;
#else
using Net = g2d::Student<g2d::fusion::Film, Mlp, Mlp>;
#endif

std::size_t use(const Net& student) { return student.num_modalities(); }
