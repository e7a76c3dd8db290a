// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: g2d: readout::Authors needs authors_logits

// The authors have no formula for a fusion that they did not know.

#include <g2d/readout/authors.hpp>
#include <g2d/readout/masked_forward.hpp>

struct Mine {
  g2d::fusion::Output forward(g2d::ModalitySpan<at::Tensor> features) const;
  g2d::Parameters parameters() const;
  const g2d::FusionShape& shape() const;
};

#if defined(G2D_EXPECT_ERROR)
using Readout = g2d::readout::Authors;
#else
using Readout = g2d::readout::MaskedForward;
#endif

g2d::PerModality<at::Tensor> use(const Mine& fusion, g2d::ModalitySpan<at::Tensor> features) {
  return Readout().unimodal_logits(fusion, features);
}
