// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: readout::ExactSplit needs split_logits

// Film multiplies modalities: its output is no sum of one part for each.

#include <g2d/fusion/film.hpp>
#include <g2d/readout/exact_split.hpp>
#include <g2d/readout/masked_forward.hpp>

#if defined(G2D_EXPECT_ERROR)
using Readout = g2d::readout::ExactSplit;
#else
using Readout = g2d::readout::MaskedForward;
#endif

g2d::PerModality<at::Tensor> use(const g2d::fusion::Film& film, g2d::ModalitySpan<at::Tensor> features) {
  return Readout().unimodal_logits(film, features);
}
