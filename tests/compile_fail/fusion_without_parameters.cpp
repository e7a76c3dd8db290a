// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
// expect: NamesItsParameters

// A fusion names its parameters, or nobody would train them.

#include <g2d/readout/masked_forward.hpp>

struct Mine {
  g2d::fusion::Output forward(g2d::ModalitySpan<at::Tensor> features) const;
  const g2d::FusionShape& shape() const;
#if !defined(G2D_EXPECT_ERROR)
  g2d::Parameters parameters() const;
#endif
};

g2d::PerModality<at::Tensor> use(const Mine& fusion, g2d::ModalitySpan<at::Tensor> features) {
  return g2d::readout::MaskedForward().unimodal_logits(fusion, features);
}
