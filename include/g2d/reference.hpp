// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// The reference: everything recomputed in double precision with Eigen alone, written to be read as the specification
/// and to check the LibTorch side, or a policy of your own, against. Lists the headers of the folder, nothing else.
#include <g2d/reference/confidence/classification.hpp>
#include <g2d/reference/confidence/multi_label.hpp>
#include <g2d/reference/confidence/regression.hpp>
#include <g2d/reference/distillation/any.hpp>
#include <g2d/reference/distillation/bernoulli_kl.hpp>
#include <g2d/reference/distillation/concept.hpp>
#include <g2d/reference/distillation/cosine.hpp>
#include <g2d/reference/distillation/kl.hpp>
#include <g2d/reference/distillation/mse.hpp>
#include <g2d/reference/distillation/none.hpp>
#include <g2d/reference/encoder/linear_tanh.hpp>
#include <g2d/reference/finite_difference.hpp>
#include <g2d/reference/fusion/any.hpp>
#include <g2d/reference/fusion/boosted.hpp>
#include <g2d/reference/fusion/concat.hpp>
#include <g2d/reference/fusion/concept.hpp>
#include <g2d/reference/fusion/cosine.hpp>
#include <g2d/reference/fusion/cross_excitation.hpp>
#include <g2d/reference/fusion/energy_weighted.hpp>
#include <g2d/reference/fusion/film.hpp>
#include <g2d/reference/fusion/gated.hpp>
#include <g2d/reference/fusion/gradient.hpp>
#include <g2d/reference/fusion/late.hpp>
#include <g2d/reference/fusion/output.hpp>
#include <g2d/reference/fusion/shared_head.hpp>
#include <g2d/reference/fusion/sum.hpp>
#include <g2d/reference/linear.hpp>
#include <g2d/reference/method/g2d.hpp>
#include <g2d/reference/method/ogm.hpp>
#include <g2d/reference/method/terms.hpp>
#include <g2d/reference/readout/authors.hpp>
#include <g2d/reference/readout/exact_split.hpp>
#include <g2d/reference/readout/masked_forward.hpp>
#include <g2d/reference/readout/own_heads.hpp>
#include <g2d/reference/schedule/batchwise.hpp>
#include <g2d/reference/schedule/kappa.hpp>
#include <g2d/reference/schedule/order.hpp>
#include <g2d/reference/schedule/stages.hpp>
#include <g2d/reference/sigmoid.hpp>
#include <g2d/reference/softmax.hpp>
#include <g2d/reference/task/classification.hpp>
#include <g2d/reference/task/concept.hpp>
#include <g2d/reference/task/multi_label.hpp>
#include <g2d/reference/task/regression.hpp>
#include <g2d/reference/teacher/outputs.hpp>
#include <g2d/reference/train/batch.hpp>
#include <g2d/reference/train/sgd.hpp>
#include <g2d/reference/train/step.hpp>
#include <g2d/reference/train/student.hpp>
#include <g2d/reference/train/student_gradient.hpp>
#include <g2d/reference/types.hpp>
