// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// A fusion, a distillation formula and a schedule of one's own: plain classes that meet a contract, no base class. The
// contracts, and which members are optional, are in g2d/<family>/concept.hpp.
//
//   write_a_policy [--smoke]
//
// Prints the largest error of the formula's gradient against finite differences, then trains with all three and prints
// the stages and the accuracy.

#include <ATen/Context.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <memory>
#include <string_view>

#include <g2d/check/gradient.hpp>
#include <g2d/core/linear.hpp>
#include <g2d/core/share_of.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/schedule/concept.hpp>
#include <g2d/suppression/complete.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/student.hpp>
#include <g2d/train/trainer.hpp>

// [fusion]
/// Each modality votes through its own head, with a trained weight > 0: logits = sum_m softplus(s_m) (W_m h_m + b_m).
class WeightedVotes {
 public:
  explicit WeightedVotes(g2d::FusionShape shape) : shape_(std::move(shape)) {
    for (std::size_t m = 0; m < shape_.num_modalities(); ++m)
      heads_.emplace_back(shape_.feature_width(m), shape_.num_outputs());
    strengths_ = at::zeros({static_cast<std::int64_t>(heads_.size())}).requires_grad_();
  }

  g2d::fusion::Output forward(g2d::ModalitySpan<at::Tensor> features) const {
    auto parts = split_logits(features);
    auto logits = parts[0];
    for (std::size_t m = 1; m < parts.size(); ++m) logits = logits.add(parts[m]);
    return {logits, {features.begin(), features.end()}};
  }

  /// Optional: with it, readout::ExactSplit works for this fusion.
  g2d::PerModality<at::Tensor> split_logits(g2d::ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "WeightedVotes");
    g2d::PerModality<at::Tensor> parts;
    for (std::size_t m = 0; m < heads_.size(); ++m) {
      parts.push_back(heads_[m](features[m]).mul(at::softplus(strengths_.select(0, static_cast<std::int64_t>(m)))));
    }
    return parts;
  }

  g2d::Parameters parameters() const {
    g2d::Parameters parameters{{"strengths", strengths_, {}}};
    for (std::size_t m = 0; m < heads_.size(); ++m) heads_[m].append_to(parameters, shape_.names()[m], m);
    return parameters;
  }
  const g2d::FusionShape& shape() const { return shape_; }

 private:
  g2d::FusionShape shape_;
  std::vector<g2d::Linear> heads_;
  at::Tensor strengths_;
};
static_assert(g2d::fusion::FusionPolicy<WeightedVotes> && g2d::fusion::SplitsByModality<WeightedVotes>);
// [fusion]

// [distillation]
/// KL(student || teacher) instead of KL(teacher || student): it seeks one mode of the teacher instead of covering all.
struct ReverseKl {
  static constexpr bool for_features = false;
  static constexpr bool admits(g2d::OutputKind kind) { return kind == g2d::OutputKind::Classes; }

  at::Tensor operator()(const at::Tensor& student, const at::Tensor& teacher) const {
    return per_sample(student, teacher).mean();
  }
  at::Tensor per_sample(const at::Tensor& student, const at::Tensor& teacher) const {
    const auto log_q = at::log_softmax(student, 1);
    return log_q.exp().mul(log_q.sub(at::log_softmax(teacher, 1))).sum(1);
  }
};
static_assert(g2d::distillation::DistillationPolicy<ReverseKl>);
// [distillation]

// [schedule]
/// The weakest modality alone for a share of the run, then all.
class HeadStart {
 public:
  static constexpr bool needs_confidence = true;

  explicit HeadStart(double share = 0.25) : share_(share) {}

  std::vector<g2d::schedule::Stage> stages(const g2d::schedule::Run& run) const {
    const auto weakest = g2d::confidence::weak_to_strong(run.confidence)[0];
    const auto alone = static_cast<std::int64_t>(g2d::share_of(share_, run.num_epochs));
    g2d::PerModality<bool> others(run.names.size(), true);
    others[weakest] = false;
    return {{"head start of " + run.names[weakest], 0, alone, others},
            {"all", alone, run.num_epochs - alone, g2d::PerModality<bool>(run.names.size(), false)}};
  }
  const g2d::suppression::Complete& suppression() const { return suppression_; }

 private:
  double share_;
  g2d::suppression::Complete suppression_;
};
static_assert(g2d::schedule::SchedulePolicy<HeadStart>);
// [schedule]

namespace {

using g2d::encoder::Mlp;
constexpr std::int64_t num_classes = 3;

void check_gradient() {
  const auto teacher = at::randn({5, num_classes}, at::kDouble);
  const auto student = at::randn({5, num_classes}, at::kDouble).requires_grad_();
  const auto report = g2d::check::gradient([&] { return ReverseKl()(student, teacher); }, {student});
  fmt::print("gradient of ReverseKl: {}\n", report.message());
}

g2d::data::InMemory make_data(std::int64_t samples) {
  const auto labels = at::randint(num_classes, {samples}, at::kLong);
  const auto seen = [&](double noise) {
    return at::randn({num_classes, 8}).index_select(0, labels).add(at::randn({samples, 8}), noise);
  };
  const auto strong = seen(0.5);
  const auto weak = seen(2.0);
  return {{"strong", "weak"}, {strong, weak}, labels};
}

std::shared_ptr<Mlp> make_encoder() {
  return std::make_shared<Mlp>(g2d::encoder::MlpOptions{.in_features = 8, .hidden = {16}, .feature_width = 8});
}

void train(std::int64_t epochs) {
  using Task = g2d::task::Classification;
  using Method = g2d::method::G2d<Task, g2d::distillation::None, ReverseKl, HeadStart>;
  const auto data = make_data(256);
  g2d::Student<WeightedVotes, Mlp, Mlp> student({"strong", "weak"}, num_classes, make_encoder(), make_encoder());
  const g2d::TeacherSource teachers{[](const g2d::Batch& batch) {
                                      const auto right = at::one_hot(batch.target, num_classes).to(at::kFloat).mul(3.0);
                                      const auto features = at::zeros({batch.size(), 8});
                                      return g2d::TeacherOutputs{{features, features}, {right, right}, {}};
                                    },
                                    {.feature_widths = {8, 8}, .num_outputs = num_classes, .confidence = {0.9, 0.5}}};
  g2d::TrainerOptions options{.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.05}, .num_epochs = epochs};
  options.on_epoch.push_back([](const g2d::EpochReport& report) {
    fmt::print("epoch {:2}  learning: {:<6}  loss {:.4f}  accuracy {:.3f}\n", report.epoch, report.stage,
               report.losses[0].second, report.validation.fused[0].value);
  });
  g2d::Trainer trainer(student, Method(), Task(), options, teachers);
  trainer.fit(data, data);
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  at::manual_seed(0);
  check_gradient();
  train(smoke ? 4 : 12);
}
