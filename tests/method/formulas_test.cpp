// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// The methods' formulas against golden numbers that make_golden.py computed in NumPy, and what their papers promise of
// them.

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <g2d/fusion/any.hpp>
#include <g2d/method.hpp>

#include "support/policy_lists.hpp"
#include "support/random_case.hpp"
#include "support/snapshot.hpp"
#include "support/students.hpp"
#include "support/test_directory.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using g2d::task::Classification;
using nlohmann::json;
using Doubles = std::vector<double>;

constexpr std::int64_t num_modalities = 3;
constexpr std::int64_t width = 3;
constexpr std::int64_t num_classes = 4;

const json& golden() {
  static const json all = json::parse(std::ifstream(test_directory() / "method" / "golden" / "formulas.json"));
  return all;
}

at::Tensor tensor_of(const json& values) {
  if (!values.is_array()) return at::scalar_tensor(values.get<double>(), at::kDouble);
  std::vector<at::Tensor> parts;
  for (const auto& value : values) parts.push_back(tensor_of(value));
  return at::stack(parts);
}

g2d::PerModality<at::Tensor> tensors_of(const json& values) {
  g2d::PerModality<at::Tensor> tensors;
  for (const auto& value : values) tensors.push_back(tensor_of(value));
  return tensors;
}

at::Tensor labels() { return tensor_of(golden()["labels"]).to(at::kLong); }

bool close(const at::Tensor& given, const json& expected) {
  return at::allclose(given.to(at::kDouble), tensor_of(expected), 1e-9, 1e-12);
}

g2d::FusionShape shape(std::size_t modalities = num_modalities) {
  return {names(modalities), std::vector<std::int64_t>(modalities, width), num_classes};
}

/// A student whose encoders hand their inputs through.
class Handed final : public method::StudentView {
 public:
  explicit Handed(g2d::fusion::Any fusion) : fusion_(std::move(fusion)) {}

  [[nodiscard]] const g2d::ModalityNames& names() const override { return fusion_.shape().names(); }
  [[nodiscard]] at::Tensor encode(std::size_t /*m*/, const g2d::Input& input) const override { return input.values; }
  [[nodiscard]] at::Tensor encode_evaluating(std::size_t /*m*/, const g2d::Input& input) const override {
    return input.values;
  }
  [[nodiscard]] g2d::fusion::Output fuse(g2d::ModalitySpan<at::Tensor> features) const override {
    return fusion_.forward(features);
  }
  [[nodiscard]] bool splits() const override { return fusion_.splits(); }
  [[nodiscard]] g2d::PerModality<at::Tensor> split_logits(g2d::ModalitySpan<at::Tensor> features) const override {
    return fusion_.split_logits(features);
  }
  [[nodiscard]] g2d::PerModality<at::Tensor> unimodal_logits(g2d::ModalitySpan<at::Tensor> features) const {
    return fusion_.authors_logits(features);
  }
  [[nodiscard]] const g2d::fusion::Any& fusion() const override { return fusion_; }
  [[nodiscard]] std::span<const g2d::ParameterGroup> parameter_groups() const override { return {}; }
  [[nodiscard]] std::vector<at::Tensor> encoder_buffers(std::size_t /*m*/) const override { return {}; }

 private:
  g2d::fusion::Any fusion_;
};

void set(const g2d::Parameter& parameter, const json& values) {
  at::NoGradGuard no_grad;
  parameter.value.set_data(tensor_of(values).view(parameter.value.sizes()));
}

/// `fusion` with a head of its own for each modality.
template <class Fusion>
Fusion with_golden_heads() {
  Fusion fusion(shape());
  const auto parameters = fusion.parameters();
  for (std::size_t m = 0; m < num_modalities; ++m) {
    set(parameters[2 * m], golden()["weight"][m]);
    set(parameters[2 * m + 1], golden()["bias"][m]);
  }
  return fusion;
}

struct Scene {
  Handed student;
  g2d::Batch batch;
  method::Outputs outputs;

  explicit Scene(g2d::fusion::Any fusion) : student(std::move(fusion)) {
    batch.target = labels();
    batch.sample_ids = at::arange(batch.target.size(0)).mul(7).add(3);
    outputs.encoded = tensors_of(golden()["features"]);
    for (const auto& features : outputs.encoded) batch.inputs.emplace_back(features);
    auto fused = student.fuse(outputs.encoded);
    outputs.features = std::move(fused.features);
    outputs.fused = std::move(fused.logits);
    outputs.unimodal = student.unimodal_logits(outputs.encoded);
  }

  [[nodiscard]] method::Setup setup(std::int64_t num_epochs = 10) const {
    return {names(num_modalities), {width, width, width}, num_classes, num_epochs, {}, &student};
  }

  template <class Method>
  method::Terms terms(Method& method, std::int64_t epoch = 0, std::int64_t step = 0, std::int64_t substep = 0) const {
    method::Terms terms;
    method.loss({epoch, step, batch, nullptr, substep, &student}, outputs, terms);
    return terms;
  }
};

/// The values of the terms of one name, in their order.
at::Tensor values(const method::Terms& terms, std::string_view name) {
  std::vector<at::Tensor> found;
  for (const auto& term : terms) {
    if (term.name == name) found.push_back(term.value.detach());
  }
  return found.size() == 1 ? found[0] : at::stack(found);
}

}  // namespace

TEST_CASE("method::Cml equals NumPy for every order of removal", "[method][golden]") {
  const Scene scene(with_golden_heads<fusion::Late>());
  std::set<std::string> seen;
  for (std::int64_t step = 0; step < 40; ++step) {
    std::string order;
    for (const auto m : method::cml_order(num_modalities, 0, step)) order += std::to_string(m);
    seen.insert(order);
    method::Cml<Classification> plain;
    method::Cml<Classification> official(method::official_cml());
    CHECK(close(values(scene.terms(plain, 0, step), "subset"), golden()["cml"][order]["subset"]));
    CHECK(close(values(scene.terms(plain, 0, step), "confidence"), golden()["cml"][order]["confidence"]));
    CHECK(close(values(scene.terms(official, 0, step), "confidence"), golden()["cml"][order]["official"]));
  }
  CHECK(seen.size() == 6);
}

TEST_CASE("method::Cml: nothing is asked where the confidence falls", "[method]") {
  Scene scene(with_golden_heads<fusion::Late>());
  scene.outputs.fused = at::one_hot(labels(), num_classes).to(at::kDouble).mul(1e4);
  method::Cml<Classification> cml({.margin = 1.0});
  CHECK(values(scene.terms(cml), "confidence").item<double>() == 0.0);
}

TEST_CASE("method::Mbsd equals NumPy, in its own form and BalanceBenchmark's", "[method][golden]") {
  Scene scene(with_golden_heads<fusion::Late>());
  method::Mbsd<Classification> detached;
  method::Mbsd<Classification> attached({.form = method::MbsdForm::BalanceBenchmark});
  // A term is the pairs' sum; its weight makes a mean of it.
  CHECK(close(values(scene.terms(detached), "similarity"), golden()["mbsd"]["detached"]["similarity"]));
  CHECK(close(values(scene.terms(detached), "distillation"), golden()["mbsd"]["detached"]["distillation"]));
  CHECK(close(values(scene.terms(attached), "similarity"), golden()["mbsd"]["balance_benchmark"]["similarity"]));
  CHECK(close(values(scene.terms(attached), "distillation"), golden()["mbsd"]["balance_benchmark"]["distillation"]));
}

TEST_CASE("method::Mbsd: the better modality gets no gradient from the pair", "[method]") {
  Scene scene(with_golden_heads<fusion::Late>());
  const auto right = at::one_hot(labels(), num_classes).to(at::kDouble);
  scene.outputs.unimodal = {right.mul(3.0).requires_grad_(), right.mul(1.0).requires_grad_()};
  method::Mbsd<Classification> mbsd;
  const auto terms = scene.terms(mbsd);
  values(terms, "distillation");
  for (const auto& term : terms) {
    if (term.name == "similarity" || term.name == "distillation") term.value.backward({}, /*retain_graph=*/true);
  }
  CHECK(scene.outputs.unimodal[0].grad().abs().max().item<double>() == 0.0);
  CHECK(scene.outputs.unimodal[1].grad().abs().max().item<double>() > 0.0);
}

TEST_CASE("method::Lfm equals NumPy, and its two shares add up to one", "[method][golden]") {
  Scene scene(with_golden_heads<fusion::Late>());
  method::Lfm<Classification> lfm;
  lfm.begin(scene.setup(200));
  method::Plan plan{.controls = method::Controls(num_modalities)};
  for (const std::int64_t epoch : {0, 50, 100, 199}) {
    lfm.plan(epoch, plan);
    CHECK(lfm.share() == Approx(golden()["lfm"]["fitted"][std::to_string(epoch)].get<double>()));
    const auto terms = scene.terms(lfm, epoch);
    CHECK(terms[0].weight + terms[1].weight == Approx(2.0));
    CHECK(close(values(terms, "alignment"), golden()["lfm"]["alignment"]));
  }
  CHECK(method::lfm_fitted_share(0.0) == Approx(0.205).margin(5e-4));
  CHECK(method::lfm_fitted_share(199.0) == Approx(0.916).margin(5e-4));
  const auto same = scene.outputs.unimodal[0];
  CHECK(method::lfm_alignment(g2d::PerModality<at::Tensor>{same, same}).item<double>() == Approx(0.0).margin(1e-12));
}

TEST_CASE("method::Qmf equals NumPy, and keeps its history by sample id", "[method][golden]") {
  Scene scene(with_golden_heads<fusion::EnergyWeighted>());
  method::Qmf<Classification> qmf;
  qmf.begin(scene.setup());
  const auto first = scene.terms(qmf);
  CHECK(close(values(first, "unimodal"), golden()["qmf"]["unimodal"]));
  CHECK(close(values(first, "rank"), golden()["qmf"]["rank"]));
  CHECK(close(values(scene.terms(qmf), "rank"), golden()["qmf"]["rank"]));
  // The same samples in another order, and new ones among them: every sum stays with its sample.
  const auto before = qmf.history().sums().clone();
  method::SampleHistory history(1);
  const auto rows = history.rows_of(at::tensor({9, 4, 7}), at::kDouble);
  history.sums().index_add_(0, rows, torch::tensor({{90.0}, {40.0}, {70.0}}, torch::kDouble));
  const auto more = history.rows_of(at::tensor({5, 4, 100, 9}), at::kDouble);
  CHECK(history.sums().index_select(0, more).squeeze(1).equal(at::tensor({0.0, 40.0, 0.0, 90.0}, at::kDouble)));
  CHECK(before.size(0) == labels().size(0));
  scene.batch.sample_ids = at::Tensor();
  CHECK_THAT(thrown<g2d::ShapeError>([&] { scene.terms(qmf); }),
             Contains("expected batches with sample_ids, got none"));
}

TEST_CASE("method::ReconBoost equals NumPy in each of its phases", "[method][golden]") {
  const auto& expected = golden()["recon_boost"];
  fusion::Boosted boosted(shape(), {.hidden_width = 5});
  const auto parameters = boosted.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) set(parameters[i], expected["parameters"][i]);
  const Scene scene(boosted);
  method::ReconBoost<Classification> method({.learner_epochs = 2, .joint_epochs = 1});
  method.begin(scene.setup());
  CHECK(close(values(scene.terms(method, 0), "learner"), expected["first_stage"]));
  CHECK(scene.terms(method, 0).size() == 1);
  CHECK(close(values(scene.terms(method, 2), "task"), expected["task"]));
  CHECK(close(values(scene.terms(method, 3), "learner"), expected["learner"]));
  CHECK(close(values(scene.terms(method, 4), "agreement"), expected["agreement"]));
  method::ReconBoost<Classification> official(method::official_recon_boost());
  official.begin(scene.setup());
  CHECK(scene.terms(official, 8).size() == 1);
  // Without the residual it is a weighted cross-entropy.
  method::ReconBoost<Classification> plain(
      {.learner_epochs = 1, .joint_epochs = 0, .residual_weight = 0.0, .agreement_weight = 0.0});
  plain.begin(scene.setup());
  const auto own = scene.student.unimodal_logits(scene.outputs.encoded)[1];
  CHECK(values(scene.terms(plain, 1), "learner").item<double>() ==
        Approx(Classification().loss(own, labels()).item<double>() * 5.0 / num_classes));
}

TEST_CASE("method::ReconBoost: the learners take turns, and each phase starts a new optimizer", "[method]") {
  const Handed student(fusion::Boosted(shape(), {.hidden_width = 5}));
  method::ReconBoost<Classification> method({.learner_epochs = 2, .joint_epochs = 1});
  method.begin({names(num_modalities), {width, width, width}, num_classes, 10, {}, &student});
  std::string frozen, resets;
  for (std::int64_t epoch = 0; epoch < 10; ++epoch) {
    method::Plan plan{.controls = method::Controls(num_modalities)};
    method.plan(epoch, plan);
    for (const auto& control : plan.controls) frozen += control.frozen ? '-' : '+';
    frozen += ' ';
    resets += plan.resets_optimizer ? 'r' : '.';
  }
  CHECK(frozen == "+-- +-- +++ -+- -+- +++ --+ --+ +++ +-- ");
  CHECK(resets == "r.rr.rr.rr");
}

TEST_CASE("method::Mla: the projection equals NumPy, and what is learnt stays", "[method][golden]") {
  const auto features = tensors_of(golden()["features"]);
  for (const bool official : {false, true}) {
    const auto options = official ? method::official_mla() : method::MlaOptions();
    const auto& expected = golden()["mla"][official ? "official" : "scalar"];
    auto projection = at::eye(width, at::kDouble);
    double alpha = 0.1;
    for (std::size_t m = 0; m < 2; ++m, alpha *= 0.1)
      projection = method::mla_projection(projection, features[m].mean(0), alpha, options);
    CHECK(close(projection, expected["projection"]));
    CHECK(close(tensor_of(golden()["mla"]["gradient"]).mm(projection.t()), expected["gradient"]));
  }
  const auto r = features[0].mean(0);
  CHECK(method::mla_projection(at::eye(width, at::kDouble), r, 1e-12).mv(r).abs().max().item<double>() < 1e-9);
}

TEST_CASE("method::Pmr equals NumPy, and an absent class leaves no NaN", "[method][golden]") {
  const auto& expected = golden()["pmr"];
  const auto features = tensors_of(golden()["features"]);
  const auto known = at::ones({num_classes}, at::kBool);
  const auto moved = method::class_prototypes(features[0], tensor_of(expected["labels"]).to(at::kLong), num_classes,
                                              {tensor_of(expected["old"]), known}, 0.2);
  CHECK(close(moved.means, expected["moved"]));
  const auto fresh = method::class_prototypes(features[0], tensor_of(expected["labels"]).to(at::kLong), num_classes);
  CHECK(fresh.means.isfinite().all().item<bool>());
  CHECK(fresh.is_known.equal(at::tensor({1, 1, 1, 0}).to(at::kBool)));
  using Pmr = method::Pmr<Classification>;
  const auto scores = at::tensor({2.0, 4.0, 3.0}, at::kDouble);
  CHECK(Pmr::pmr_weights(scores, method::PmrWeights::Soft).allclose(at::tensor({1.0, 0.0, 1.0 / 3.0}, at::kDouble)));
  CHECK(Pmr::pmr_weights(scores, method::PmrWeights::Hard).equal(at::tensor({1.0, 0.0, 1.0}, at::kDouble)));
}

TEST_CASE("method::Agm equals NumPy, and its responses add up to the output", "[method][golden]") {
  const auto& expected = golden()["agm"];
  const auto all = tensors_of(expected["outputs"]);
  const std::vector<at::Tensor> outputs(all.begin(), all.end());
  const auto responses = method::agm_responses(outputs);
  auto sum = at::zeros_like(outputs[0]);
  for (std::size_t m = 0; m < responses.size(); ++m) {
    CHECK(close(responses[m], expected["responses"][m]));
    sum = sum + responses[m];
  }
  CHECK(at::allclose(sum, outputs.back()));
  const auto coefficients =
      method::agm_coefficients(tensor_of(expected["scores"]), tensor_of(expected["history"]), {.strength = 2.5});
  CHECK(close(coefficients, expected["coefficients"]));
  CHECK(method::agm_coefficients(tensor_of(expected["scores"]), tensor_of(expected["scores"]), {})
            .allclose(at::ones({3}, at::kDouble)));
}

TEST_CASE("method::MmPareto: the direction serves both gradients", "[method]") {
  const auto joint = at::tensor({1.0, 0.0}, at::kDouble);
  const auto own = at::tensor({-1.0, 1.0}, at::kDouble);
  const auto weights = method::min_norm_weights(joint.dot(joint), joint.dot(own), own.dot(own));
  CHECK(weights.joint.item<double>() == Approx(0.6));
  const auto direction = joint * weights.joint + own * weights.own;
  CHECK(at::allclose(direction, at::tensor({0.2, 0.4}, at::kDouble)));
  CHECK(direction.dot(joint).item<double>() == Approx(0.2));
  CHECK(direction.dot(own).item<double>() == Approx(0.2));
  const auto gradient = method::pareto_gradient(joint, own, weights, 1.5);
  CHECK(gradient.norm().item<double>() == Approx(1.5 * (joint + own).norm().item<double>()));
  // Gradients that agree are added, and opposite ones give no NaN.
  const auto halves = method::min_norm_weights(joint.dot(joint), joint.dot(joint), joint.dot(joint));
  CHECK(at::allclose(method::pareto_gradient(joint, joint, halves, 1.0), joint * 2));
  const auto opposite = own * -2;
  const auto cancelling = method::min_norm_weights(opposite.dot(opposite), opposite.dot(own), own.dot(own));
  CHECK(method::pareto_gradient(opposite, own, cancelling, 1.5).abs().max().item<double>() < 1e-12);
}

TEST_CASE("method::Opm and Amco: rates, shares and masks equal NumPy", "[method][golden]") {
  CHECK(close(method::opm_rates(tensor_of(golden()["opm"]["scores"]), {}), golden()["opm"]["rates"]));
  CHECK(method::opm_rates(at::tensor({2.0, 2.0}, at::kDouble), {}).abs().max().item<double>() == 0.0);
  const Scene scene(with_golden_heads<fusion::Late>());
  CHECK(close(method::amco_shares(scene.outputs.unimodal, {}), golden()["amco"]["shares"]));
  Doubles masked;
  for (const double progress : {0.0, 0.1, 0.2, 0.3, 1.0}) {
    masked.push_back(static_cast<double>(method::amco_masked_classes(progress, num_classes, {})));
  }
  CHECK(masked == golden()["amco"]["masked"].get<Doubles>());
}

TEST_CASE("method::Opm: a kept feature has its mean", "[method]") {
  at::manual_seed(4);
  const auto rates = at::tensor({0.5, 0.0}, at::kDouble);
  const auto kept = method::opm_kept(rates, 100000, {}).to(at::kDouble).mean(0);
  CHECK(kept[0].item<double>() == Approx(0.5).margin(0.01));
  CHECK(kept[1].item<double>() == 1.0);
}

TEST_CASE("method::GradientBlending: weights equal NumPy, and a losing stream counts for nearly nothing",
          "[method][golden]") {
  const auto& expected = golden()["gradient_blending"];
  const auto gains = expected["gains"].get<Doubles>();
  const auto overfittings = expected["overfittings"].get<Doubles>();
  const g2d::PerModality<double> g(gains.begin(), gains.end()), o(overfittings.begin(), overfittings.end());
  const auto weights = method::blending_weights(g, o, {});
  CHECK(close(at::tensor(Doubles(weights.begin(), weights.end()), at::kDouble), expected["weights"]));
}

TEST_CASE("method::Valuation: values equal NumPy and add up to what is right", "[method][golden]") {
  const Scene scene(with_golden_heads<fusion::Late>());
  const auto table = method::FeatureTable{scene.outputs.encoded, labels(), at::arange(labels().size(0)), {}};
  const auto values = method::valuation_values(scene.student, table);
  CHECK(close(values, golden()["valuation"]["values"]));
  const auto is_right = scene.outputs.fused.argmax(1).eq(labels()).to(at::kDouble);
  CHECK(at::allclose(values.sum(1), is_right * 3.0));
  CHECK(method::valuation_copies(torch::tensor({{-0.5, 0.0, 0.5}, {1.0, 1.5, 0.99}}, torch::kDouble))
            .equal(torch::tensor({{3, 2, 1}, {0, 0, 1}})));
  const auto shares = method::valuation_shares(g2d::PerModality<double>{0.2, 0.8}, 1.0);
  CHECK(shares[0] == Approx(0.4));
  CHECK(shares[1] == 0.0);
}

TEST_CASE("method::Relearning: clusters that are classes are pure", "[method]") {
  const auto labels_of_many = at::arange(60).remainder(3);
  const auto apart =
      at::stack({labels_of_many, labels_of_many.eq(1)}, 1).to(at::kDouble).mul(10.0) + Random(3).normal({60, 2}) * 0.1;
  CHECK(method::cluster_purity(apart, labels_of_many, 3, {}) == 1.0);
  CHECK(method::cluster_purity(Random(4).normal({60, 2}), labels_of_many, 3, {}) < 0.7);
}

namespace {

/// A run that knows nothing but how the last epoch was judged.
struct Judged final : method::Run {
  std::int64_t next = 0;
  std::optional<method::ValidationResult> last;

  [[nodiscard]] std::int64_t epoch() const override { return next; }
  [[nodiscard]] std::int64_t num_epochs() const override { return 100; }
  [[nodiscard]] const method::StudentView& student() const override { throw std::logic_error("not asked for"); }
  [[nodiscard]] const method::ValidationResult* validation() const override { return last ? &*last : nullptr; }
  [[nodiscard]] std::int64_t size(method::Split) const override { return 0; }
  [[nodiscard]] method::FeatureTable features(method::Split, std::int64_t) override { return {}; }
  [[nodiscard]] g2d::Batch batch(method::Split, std::int64_t) override { return {}; }
  [[nodiscard]] method::TrialResult trial(std::int64_t) override { return {}; }
};

template <class Method>
void judge(Method& method, Judged& run, g2d::PerModality<double> scores, g2d::PerModality<double> losses = {0.0, 0.0}) {
  run.last = method::ValidationResult{{0.0, std::move(losses)}, std::move(scores)};
  ++run.next;
  method.prepare(run);
}

}  // namespace

TEST_CASE("method::Mslr: who gets better on validation learns faster", "[method]") {
  const method::Setup setup{names(2), {width, width}, num_classes, 10};
  method::Mslr<Classification> relative({.initial = {0.9, 1.1}, .history = 2});
  relative.begin(setup);
  Judged run;
  relative.prepare(run);
  judge(relative, run, {0.2, 0.5});
  judge(relative, run, {0.4, 0.5});
  CHECK(relative.factors() == g2d::PerModality<double>{0.9, 1.1});
  judge(relative, run, {0.6, 0.25});
  CHECK(relative.factors()[0] == Approx(0.9 * 0.6 / 0.3));
  CHECK(relative.factors()[1] == Approx(1.1 * 0.25 / 0.5));
  judge(relative, run, {0.5, 0.375});
  CHECK(relative.factors()[0] == Approx(0.9));
  method::Plan plan{.controls = method::Controls(2)};
  relative.plan(4, plan);
  CHECK(plan.controls[1].learning_rate_factor == Approx(1.1));

  method::Mslr<Classification> cumulative({.history = 2, .mode = method::MslrMode::Cumulative});
  cumulative.begin(setup);
  Judged other;
  judge(cumulative, other, {0.2, 0.5});
  judge(cumulative, other, {0.4, 0.5});
  CHECK(cumulative.factors()[0] == Approx(0.4 / 0.3));
  judge(cumulative, other, {0.6, 0.5});
  CHECK(cumulative.factors()[0] == Approx(0.4 / 0.3));
  judge(cumulative, other, {0.2, 0.5});
  CHECK(cumulative.factors()[0] == Approx(0.4 / 0.3 * 0.2 / 0.4));
  CHECK_THAT(thrown<g2d::ConfigError>([&] { method::Mslr<Classification>({.initial = {1.0}}).begin(setup); }),
             Contains("expected an initial factor for each of 2 modalities"));
}

TEST_CASE("method::Mses: a modality that overfits goes back to its best epoch and stays there", "[method]") {
  at::manual_seed(6);
  const auto student = make_student(tanh_encoders({5, 2}, {width, width}), num_classes);
  student->train();
  AnyStep step(*student, method::Stack(method::Supervised<Classification>(), method::Mses({.patience = 2})),
               {.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.5}, .num_epochs = 9});
  Random random(2, at::kFloat);
  const auto train = [&] { step(random.batch(g2d::OutputKind::Classes, 6, {5, 2}, num_classes)); };
  Judged run;
  step.prepare(run);
  const auto epoch = [&](double first, double second) {
    train();
    run.last = method::ValidationResult{{0.0, {first, second}}, {0.0, 0.0}};
    ++run.next;
    step.prepare(run);
    step.begin_epoch(run.next);
  };
  epoch(1.0, 1.0);
  const auto best = snapshot(*student);
  epoch(2.0, 0.9);
  epoch(3.0, 0.8);
  CHECK_FALSE(step.plan().controls[0].frozen);
  epoch(4.0, 0.7);
  CHECK(step.plan().controls[0].frozen);
  CHECK(step.plan().controls[0].head_frozen);
  CHECK_FALSE(step.plan().controls[1].frozen);
  epoch(0.1, 0.6);
  const auto moved = changed(best, *student);
  for (const auto& parameter : student->named_parameters()) {
    const bool is_first = parameter.key().find(names(2)[0]) != std::string::npos;
    CHECK((std::find(moved.begin(), moved.end(), parameter.key()) == moved.end()) == is_first);
  }
}
