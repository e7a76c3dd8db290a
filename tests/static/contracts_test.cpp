// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// What satisfies a contract and what does not. Compiling is passing; the one case below counts what was walked.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <type_traits>
#include <vector>

#include <g2d/distillation/any.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/method/any.hpp>
#include <g2d/method/distillation.hpp>
#include <g2d/method/window.hpp>
#include <g2d/readout/any.hpp>
#include <g2d/train/student.hpp>

#include "support/policy_lists.hpp"
#include "support/tiny_encoders.hpp"
#include "support/user_policies.hpp"

namespace {

using namespace g2d_test;
using g2d::OutputKind;

// --- a policy without one of its members satisfies nothing ---

struct Empty {};

struct FusionWithoutParameters {
  g2d::fusion::Output forward(g2d::ModalitySpan<at::Tensor> features) const;
  const g2d::FusionShape& shape() const;
};

struct FusionThatGivesATensor {
  at::Tensor forward(g2d::ModalitySpan<at::Tensor> features) const;
  g2d::Parameters parameters() const;
  const g2d::FusionShape& shape() const;
};

struct FusionThatIsNotConst {
  g2d::fusion::Output forward(g2d::ModalitySpan<at::Tensor> features);
  g2d::Parameters parameters() const;
  const g2d::FusionShape& shape() const;
};

struct DistillationWithoutSamples {
  at::Tensor operator()(const at::Tensor& student, const at::Tensor& teacher) const;
};

struct TaskWithoutCheck {
  static constexpr OutputKind output_kind = OutputKind::Values;
  at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const;
  at::Tensor confidence(const at::Tensor& output, const at::Tensor& target) const;
};

struct SuppressionThatDoesNotSayWhetherItFreezes {
  at::Tensor coefficients(const at::Tensor& suppressed, const at::Tensor& ratios) const;
  g2d::suppression::NormStatistics norm_statistics() const;
  g2d::suppression::ParameterFilter filter() const;
};

struct ScheduleWithoutSuppression {
  std::vector<g2d::schedule::Stage> stages(const g2d::schedule::Run& run) const;
};

struct ReadoutThatGivesATensor {
  template <class Fusion>
  at::Tensor unimodal_logits(const Fusion& fusion, g2d::ModalitySpan<at::Tensor> features) const;
};

struct PlainObject {
  at::Tensor forward(const at::Tensor& x);
};

struct ModuleWithoutForward : torch::nn::Module {};

static_assert(!g2d::fusion::FusionPolicy<Empty> && !g2d::fusion::FusionPolicy<FusionWithoutParameters>);
static_assert(!g2d::fusion::FusionPolicy<FusionThatGivesATensor> && !g2d::fusion::FusionPolicy<FusionThatIsNotConst>);
static_assert(!g2d::distillation::DistillationPolicy<DistillationWithoutSamples>);
static_assert(!g2d::distillation::connector::ConnectorPolicy<Empty>);
static_assert(!g2d::task::TaskPolicy<TaskWithoutCheck>);
static_assert(!g2d::suppression::SuppressionPolicy<SuppressionThatDoesNotSayWhetherItFreezes>);
static_assert(!g2d::schedule::SchedulePolicy<ScheduleWithoutSuppression>);
static_assert(!g2d::readout::ReadoutFor<ReadoutThatGivesATensor, fusion::Late>);
static_assert(!g2d::method::MethodPolicy<Empty>);
static_assert(!g2d::encoder::EncoderModule<PlainObject> && !g2d::encoder::EncoderModule<ModuleWithoutForward>);
static_assert(!g2d::initialization::InitializationPolicy<Empty>);

// --- policies that only know the contracts satisfy them ---

static_assert(g2d::fusion::FusionPolicy<user::ProductFusion>);
static_assert(!g2d::fusion::SplitsByModality<user::ProductFusion> &&
              !g2d::fusion::HasAuthorsReadout<user::ProductFusion>);
static_assert(g2d::fusion::min_modalities_v<user::ProductFusion> == 1);
static_assert(g2d::distillation::DistillationPolicy<user::HuberDistillation>);
static_assert(g2d::readout::ReadoutFor<user::HalvedReadout, user::ProductFusion>);
static_assert(g2d::suppression::SuppressionPolicy<user::HalvingSuppression>);
static_assert(g2d::schedule::SchedulePolicy<user::TurnsSchedule>);
static_assert(g2d::task::TaskPolicy<user::AbsoluteTask>);
static_assert(g2d::distillation::connector::ConnectorPolicy<user::ScaleConnector>);
static_assert(g2d::method::MethodPolicy<user::FeaturePenalty>);
static_assert(g2d::encoder::EncoderModule<user::CosineEncoder>);
static_assert(g2d::initialization::InitializationPolicy<user::ConstantInitialization>);

// --- who can be combined with whom ---

using g2d::distillation::admits_v;
static_assert(admits_v<distillation::Kl, OutputKind::Classes> && !admits_v<distillation::Kl, OutputKind::Labels> &&
              !admits_v<distillation::Kl, OutputKind::Values>);
static_assert(!admits_v<distillation::BernoulliKl, OutputKind::Classes> &&
              admits_v<distillation::BernoulliKl, OutputKind::Labels> &&
              !admits_v<distillation::BernoulliKl, OutputKind::Values>);
static_assert(admits_v<distillation::Mse, OutputKind::Classes> && admits_v<distillation::Mse, OutputKind::Values>);
static_assert(admits_v<user::HuberDistillation, OutputKind::Values> &&
              !admits_v<user::HuberDistillation, OutputKind::Labels>);
static_assert(!g2d::distillation::for_features_v<distillation::Kl> &&
              !g2d::distillation::for_features_v<distillation::BernoulliKl>);
static_assert(g2d::distillation::for_features_v<distillation::Mse> &&
              g2d::distillation::for_features_v<distillation::Cosine>);
static_assert(g2d::distillation::min_outputs_v<distillation::Cosine> == 2 &&
              g2d::distillation::min_outputs_v<distillation::Mse> == 1);
static_assert(g2d::fusion::min_modalities_v<fusion::Film> == 2 && g2d::fusion::min_modalities_v<fusion::Gated> == 2);
static_assert(g2d::fusion::min_modalities_v<fusion::CrossExcitation> == 2);
static_assert(g2d::fusion::min_modalities_v<fusion::Late> == 1);
static_assert(g2d::fusion::needs_equal_widths_v<fusion::SharedHead> &&
              g2d::fusion::needs_equal_widths_v<fusion::Boosted> && !g2d::fusion::needs_equal_widths_v<fusion::Late>);
static_assert(suppression::Complete::freezes && !suppression::Partial::freezes &&
              !suppression::ZeroedGradients::freezes);
static_assert(g2d::confidence::is_needed_by<suppression::Partial>() &&
              !g2d::confidence::is_needed_by<suppression::Complete>());
static_assert(!g2d::confidence::is_needed_by<user::TurnsSchedule>());

// --- what a method asks for ---

using Plain = method::JointTraining<task::Classification>;
using Modulated =
    method::Stack<method::Supervised<task::Classification>, method::Window<method::Ogm<task::Classification>>>;
static_assert(g2d::method::MethodPolicy<Plain> && g2d::method::MethodPolicy<Modulated> &&
              g2d::method::MethodPolicy<method::Any>);
static_assert(!g2d::method::detail::NamesPlan<user::FeaturePenalty> &&
              g2d::method::detail::NamesGradients<user::FeaturePenalty>);

// --- a stack owns the forward hook only where one of its policies does ---

using Opm = method::Opm<task::Classification>;
static_assert(!g2d::method::detail::NamesForward<Plain> &&
              g2d::method::detail::NamesForward<method::Stack<Plain, Opm>>);
static_assert(g2d::method::MethodPolicy<method::Stack<method::Stack<Plain>, method::Window<Opm>>>);

// --- types that are chosen at run time are policies of the same axis ---

static_assert(g2d::fusion::FusionPolicy<fusion::Any> && g2d::fusion::SplitsByModality<fusion::Any>);
static_assert(g2d::distillation::DistillationPolicy<distillation::Any>);
static_assert(g2d::readout::ReadoutFor<readout::Any, fusion::Any>);
static_assert(std::is_base_of_v<torch::nn::Module, g2d::AnyStudent>);
static_assert(std::is_constructible_v<g2d::AnyStudent, fusion::Any, std::vector<g2d::Encoder>>);

}  // namespace

TEST_CASE("contracts: every shipped policy satisfies its family's", "[contracts]") {
  int walked = 0;
  for_each(Fusions(), [&]<class Fusion>(std::type_identity<Fusion>) {
    static_assert(g2d::fusion::FusionPolicy<Fusion>);
    for_each(Readouts(), [&]<class Readout>(std::type_identity<Readout>) {
      static_assert(g2d::readout::ReadoutFor<Readout, Fusion>);
      ++walked;
    });
  });
  for_each(Distillations(), []<class Distillation>(std::type_identity<Distillation>) {
    static_assert(g2d::distillation::DistillationPolicy<Distillation>);
  });
  for_each(Connectors(), []<class Connector>(std::type_identity<Connector>) {
    static_assert(g2d::distillation::connector::ConnectorPolicy<Connector>);
  });
  for_each(Suppressions(), [&]<class Suppression>(std::type_identity<Suppression>) {
    static_assert(g2d::suppression::SuppressionPolicy<Suppression>);
    static_assert(g2d::schedule::SchedulePolicy<schedule::Sequential<Suppression>>);
    static_assert(g2d::schedule::SchedulePolicy<schedule::Batchwise<Suppression>>);
  });
  for_each(Schedules(), []<class Schedule>(std::type_identity<Schedule>) {
    static_assert(g2d::schedule::SchedulePolicy<Schedule>);
    static_assert(g2d::method::MethodPolicy<method::Prioritization<Schedule>>);
  });
  for_each(Encoders(),
           []<class Encoder>(std::type_identity<Encoder>) { static_assert(g2d::encoder::EncoderModule<Encoder>); });
  for_each(Initializations(), []<class Initialization>(std::type_identity<Initialization>) {
    static_assert(g2d::initialization::InitializationPolicy<Initialization>);
  });
  for_each(Tasks(), [&]<class Task>(std::type_identity<Task>) {
    static_assert(g2d::task::TaskPolicy<Task>);
    for_each_method<Task>([&]<class Method>(std::type_identity<Method>) {
      static_assert(g2d::method::MethodPolicy<Method>);
      ++walked;
    });
  });
  CHECK(walked == 10 * 5 + 3 * (10 + 6) + (6 + 4));
}

TEST_CASE("contracts: a method says whether it needs teachers and unimodal outputs", "[contracts]") {
  using g2d::method::detail::needs;
  CHECK_FALSE(needs(Plain()).teachers);
  CHECK_FALSE(needs(Plain()).unimodal);
  CHECK(needs(method::G2d<task::Classification>()).teachers);
  const Modulated modulated(method::Supervised<task::Classification>(), {method::Ogm<task::Classification>(), {}});
  CHECK(needs(modulated).unimodal);
  CHECK_FALSE(needs(modulated).teachers);
  CHECK(needs(method::UniformMultiTask<task::Regression>()).unimodal);
  CHECK(needs(method::Any(method::G2d<task::Classification>())).teachers);
}

TEST_CASE("contracts: a stack needs what one of its policies needs, a window and an Any what theirs does",
          "[contracts]") {
  using method::Needs;
  struct Asking {
    Needs needs;
    void plan(std::int64_t, method::Plan&) {}
  };
  const auto fields = {&Needs::unimodal, &Needs::teachers, &Needs::teacher_logits, &Needs::separate_gradients,
                       &Needs::inputs};
  static_assert(sizeof(Needs) == 5, "a new field belongs in the list above");
  for (const auto asked : fields) {
    Asking asking;
    asking.needs.*asked = true;
    const auto stacked = method::Any(method::Stack(Plain(), method::Window(asking, {}), Asking())).needs();
    for (const auto field : fields) {
      const bool is_implied = asked == &Needs::teacher_logits && field == &Needs::teachers;
      CHECK(stacked.*field == (field == asked || is_implied));
    }
  }
}

TEST_CASE("contracts: distillation needs the logits of each teacher where it compares them", "[contracts]") {
  using g2d::method::detail::needs;
  CHECK(needs(method::G2d<task::Classification>()).teacher_logits);
  CHECK(needs(method::Umt<task::Classification>()).teachers);
  CHECK_FALSE(needs(method::Umt<task::Classification>()).teacher_logits);
}
