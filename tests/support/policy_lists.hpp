// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

// Every shipped policy, family by family. All parametrised tests walk these lists, and the test static.policy_lists
// compares them with the files of each family's folder.

#include <type_traits>
#include <utility>

#include <g2d/distillation/bernoulli_kl.hpp>
#include <g2d/distillation/connector/identity.hpp>
#include <g2d/distillation/connector/projection.hpp>
#include <g2d/distillation/cosine.hpp>
#include <g2d/distillation/kl.hpp>
#include <g2d/distillation/mse.hpp>
#include <g2d/distillation/none.hpp>
#include <g2d/encoder/gru.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/encoder/small_cnn.hpp>
#include <g2d/encoder/transformer.hpp>
#include <g2d/fusion/boosted.hpp>
#include <g2d/fusion/concat.hpp>
#include <g2d/fusion/cosine.hpp>
#include <g2d/fusion/cross_excitation.hpp>
#include <g2d/fusion/energy_weighted.hpp>
#include <g2d/fusion/film.hpp>
#include <g2d/fusion/gated.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/fusion/shared_head.hpp>
#include <g2d/fusion/sum.hpp>
#include <g2d/initialization/authors_code.hpp>
#include <g2d/initialization/default.hpp>
#include <g2d/method/agm.hpp>
#include <g2d/method/amco.hpp>
#include <g2d/method/cml.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/method/gradient_blending.hpp>
#include <g2d/method/greedy.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/method/lfm.hpp>
#include <g2d/method/mbsd.hpp>
#include <g2d/method/mla.hpp>
#include <g2d/method/mm_cosine.hpp>
#include <g2d/method/mm_pareto.hpp>
#include <g2d/method/mses.hpp>
#include <g2d/method/mslr.hpp>
#include <g2d/method/ogm.hpp>
#include <g2d/method/opm.hpp>
#include <g2d/method/pmr.hpp>
#include <g2d/method/qmf.hpp>
#include <g2d/method/recon_boost.hpp>
#include <g2d/method/relearning.hpp>
#include <g2d/method/umt.hpp>
#include <g2d/method/uniform_multi_task.hpp>
#include <g2d/method/valuation.hpp>
#include <g2d/readout/authors.hpp>
#include <g2d/readout/auto.hpp>
#include <g2d/readout/exact_split.hpp>
#include <g2d/readout/masked_forward.hpp>
#include <g2d/readout/own_heads.hpp>
#include <g2d/schedule/batchwise.hpp>
#include <g2d/schedule/joint.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/suppression/complete.hpp>
#include <g2d/suppression/partial.hpp>
#include <g2d/suppression/zeroed_gradients.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/multi_label.hpp>
#include <g2d/task/regression.hpp>

namespace g2d_test {

template <class... Policies>
struct List {};

/// Calls visit(std::type_identity<Policy>()) for each policy of the list.
template <class... Policies, class Visitor>
void for_each(List<Policies...>, Visitor&& visit) {
  (visit(std::type_identity<Policies>()), ...);
}

namespace fusion = g2d::fusion;
namespace readout = g2d::readout;
namespace distillation = g2d::distillation;
namespace connector = g2d::distillation::connector;
namespace task = g2d::task;
namespace suppression = g2d::suppression;
namespace schedule = g2d::schedule;
namespace encoder = g2d::encoder;
namespace initialization = g2d::initialization;
namespace method = g2d::method;

using Fusions = List<fusion::Boosted, fusion::Concat, fusion::Cosine, fusion::CrossExcitation, fusion::EnergyWeighted,
                     fusion::Film, fusion::Gated, fusion::Late, fusion::SharedHead, fusion::Sum>;
using Readouts = List<readout::Authors, readout::Auto, readout::ExactSplit, readout::MaskedForward, readout::OwnHeads>;
using Distillations =
    List<distillation::BernoulliKl, distillation::Cosine, distillation::Kl, distillation::Mse, distillation::None>;
using Connectors = List<connector::Identity, connector::Projection>;
using Tasks = List<task::Classification, task::MultiLabel, task::Regression>;
using Suppressions = List<suppression::Complete, suppression::Partial, suppression::ZeroedGradients>;
using Encoders = List<encoder::Gru, encoder::Mlp, encoder::ResNet18, encoder::SmallCnn, encoder::Transformer>;
using Initializations = List<initialization::AuthorsCode, initialization::Default>;
using Schedules = List<schedule::Batchwise<>, schedule::Joint, schedule::Sequential<>>;

// Methods: the complete ones bring the task's loss, the others are stacked on `Supervised`; some are for classification
// only.
template <class Task>
using CompleteMethods =
    List<method::Distillation<Task, distillation::Mse, distillation::Mse>,
         method::G2d<Task, distillation::Mse, distillation::Mse>, method::GradientBlending<Task>,
         method::JointTraining<Task>, method::Mla<Task>, method::MmCosine<Task>, method::MmPareto<Task>,
         method::Supervised<Task>, method::Umt<Task>, method::UniformMultiTask<Task>>;
template <class Task>
using AddedMethods = List<method::Agm<Task>, method::Greedy, method::Mses, method::Ogm<Task>, method::Opm<Task>,
                          method::Prioritization<schedule::Joint>>;
template <class Task>
using CompleteClassifiers = List<method::Amco<Task>, method::Cml<Task>, method::Lfm<Task>, method::Mbsd<Task>,
                                 method::Qmf<Task>, method::ReconBoost<Task>>;
template <class Task>
using AddedToClassifiers =
    List<method::Mslr<Task>, method::Pmr<Task>, method::Relearning<Task>, method::Valuation<Task>>;

/// Calls visit(std::type_identity<Policy>()) for each method that the task admits.
template <class Task, class Visitor>
void for_each_method(Visitor&& visit) {
  for_each(CompleteMethods<Task>(), visit);
  for_each(AddedMethods<Task>(), visit);
  if constexpr (Task::output_kind == g2d::OutputKind::Classes) {
    for_each(CompleteClassifiers<Task>(), visit);
    for_each(AddedToClassifiers<Task>(), visit);
  }
}

template <class Policy, class Policies>
inline constexpr bool is_in_v = false;
template <class Policy, class... Policies>
inline constexpr bool is_in_v<Policy, List<Policies...>> = (std::is_same_v<Policy, Policies> || ...);

/// The method as it trains: stacked on `Supervised` where it brings no loss of the task.
template <class Task, class Method>
[[nodiscard]] auto complete(Method method) {
  if constexpr (is_in_v<Method, AddedMethods<Task>> || is_in_v<Method, AddedToClassifiers<Task>>) {
    return g2d::method::Stack(method::Supervised<Task>(), std::move(method));
  } else {
    return method;
  }
}

}  // namespace g2d_test
