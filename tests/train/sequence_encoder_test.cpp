// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <g2d/check/gradient.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/encoder/encoder.hpp>
#include <g2d/encoder/gru.hpp>
#include <g2d/encoder/transformer.hpp>

#include "support/check_report.hpp"
#include "support/host_waits.hpp"
#include "support/meta_device.hpp"
#include "support/snapshot.hpp"
#include "support/thrown.hpp"
#include "train/golden/sequence_golden.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
namespace encoder = g2d::encoder;

constexpr std::int64_t in_features = 5;

double distance(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

at::Tensor lengths_of(std::vector<std::int64_t> lengths) { return torch::tensor(lengths); }

/// Values that no generator enters: those of make_sequence_golden.py.
at::Tensor golden_values() { return torch::arange(60, torch::kDouble).mul(0.7).sin().view({3, 4, in_features}); }

/// No bias stays 0 and no norm weight 1.
template <class Module>
Module& moved(Module& net) {
  net.to(torch::kDouble);
  net.eval();
  const at::NoGradGuard no_grad;
  for (auto& parameter : net.parameters()) {
    parameter.add_(torch::arange(parameter.numel(), torch::kDouble).sin().mul(0.1).view_as(parameter));
  }
  return net;
}

/// How far the encoder, drawn from the golden seed, is from what PyTorch's own modules made of the golden values.
template <class Module, class Options>
double distance_from_golden(const Options& options, const std::vector<double>& golden) {
  torch::manual_seed(7);
  Module net(options);
  const at::NoGradGuard no_grad;
  const auto features = moved(net).forward(golden_values(), lengths_of({4, 1, 3}));
  return distance(features.flatten(), torch::tensor(golden, torch::kDouble));
}

/// One of each kind, by name, as they are used: modules with both forms of forward, in evaluation mode and in float64.
struct Kind {
  std::string name;
  std::shared_ptr<torch::nn::Module> module;
  g2d::Encoder encode;
};

template <class Module, class Options>
Kind make_kind(std::string name, const Options& options) {
  auto module = std::make_shared<Module>(options);
  moved(*module);
  return {std::move(name), module, g2d::Encoder(module)};
}

std::vector<Kind> kinds() {
  torch::manual_seed(11);
  return {make_kind<encoder::Gru>("gru", encoder::GruOptions{.in_features = in_features, .hidden = 3}),
          make_kind<encoder::Gru>(
              "bidirectional gru",
              encoder::GruOptions{
                  .in_features = in_features, .hidden = 3, .layers = 2, .bidirectional = true, .dropout = 0.3}),
          make_kind<encoder::Transformer>(
              "transformer",
              encoder::TransformerOptions{.in_features = in_features, .width = 8, .heads = 2, .feed_forward = 12})};
}

/// A module of a user's with two functions instead of one default argument.
struct TwoForms : torch::nn::Module {
  at::Tensor forward(const at::Tensor& values) { return values.sum(1); }
  at::Tensor forward(const at::Tensor& values, const at::Tensor& lengths) {
    return values.sum(1).mul(lengths.unsqueeze(1));
  }
};

static_assert(encoder::detail::EncodesValues<encoder::Gru> && encoder::detail::EncodesSequences<encoder::Gru>);
static_assert(encoder::EncoderModule<TwoForms>);

using Three = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

Three meta_layer_norm(const at::Tensor& x, at::IntArrayRef, const std::optional<at::Tensor>&,
                      const std::optional<at::Tensor>&, double) {
  const auto statistics = x.select(-1, 0).unsqueeze(-1);
  return {at::empty_like(x), at::empty_like(statistics), at::empty_like(statistics)};
}

Three meta_layer_norm_backward(const at::Tensor& /*gradient*/, const at::Tensor& x, at::IntArrayRef, const at::Tensor&,
                               const at::Tensor&, const std::optional<at::Tensor>& weight,
                               const std::optional<at::Tensor>& bias, std::array<bool, 3>) {
  return {at::empty_like(x), at::empty_like(*weight), at::empty_like(*bias)};
}

at::Tensor& meta_where_out(const at::Tensor& /*condition*/, const at::Tensor& yes, const at::Tensor& no,
                           at::Tensor& out) {
  out.resize_(at::infer_size(yes.sizes(), no.sizes()));
  return out;
}

at::Tensor& meta_in_place(at::Tensor& x) { return x; }

// LibTorch has these for real devices only.
TORCH_LIBRARY_IMPL(aten, Meta, library) {
  library.impl("relu_", &meta_in_place);
  library.impl("where.self_out", &meta_where_out);
  library.impl("native_layer_norm", &meta_layer_norm);
  library.impl("native_layer_norm_backward", &meta_layer_norm_backward);
}

/// Three sequences a sample: in each, the class's direction is written into one of the valid steps.
g2d::data::InMemory sequence_blobs(std::int64_t num_samples, std::uint64_t split) {
  Random centres(1, at::kFloat);
  Random noise(100 + split, at::kFloat);
  const auto labels = torch::arange(num_samples).remainder(num_classes);
  g2d::PerModality<g2d::Input> inputs;
  for (const std::int64_t num_steps : {7, 5, 6}) {
    const auto centre = centres.normal({num_classes, in_features}).mul(3.0);
    const auto lengths = noise.labels(num_samples, num_steps).add(1);
    auto values = noise.normal({num_samples, num_steps, in_features});
    const auto steps = torch::arange(num_steps).unsqueeze(0);
    values += steps.eq(lengths.unsqueeze(1) - 1).unsqueeze(2) * centre.index_select(0, labels).unsqueeze(1);
    inputs.emplace_back(values.masked_fill(steps.ge(lengths.unsqueeze(1)).unsqueeze(2), 0.0), lengths);
  }
  return g2d::data::InMemory(names(3), std::move(inputs), labels);
}

std::shared_ptr<g2d::AnyStudent> sequence_student() {
  torch::manual_seed(5);
  std::vector<g2d::Encoder> encoders;
  encoders.emplace_back(std::make_shared<encoder::Gru>(encoder::GruOptions{.in_features = in_features, .hidden = 12}));
  encoders.emplace_back(std::make_shared<encoder::Gru>(
      encoder::GruOptions{.in_features = in_features, .hidden = 6, .bidirectional = true}));
  encoders.emplace_back(std::make_shared<encoder::Transformer>(
      encoder::TransformerOptions{.in_features = in_features, .width = 16, .layers = 1}));
  return make_student(std::move(encoders), num_classes);
}

}  // namespace

TEST_CASE("encoder::Gru: one seed gives what Python's nn.GRU gives on packed sequences", "[encoder][gru]") {
  using encoder::Gru;
  using encoder::GruOptions;
  CHECK(distance_from_golden<Gru>(GruOptions{.in_features = in_features, .hidden = 3}, golden::gru) < 1e-12);
  CHECK(distance_from_golden<Gru>(GruOptions{.in_features = in_features, .hidden = 3, .layers = 2},
                                  golden::gru_two_layers) < 1e-12);
  CHECK(
      distance_from_golden<Gru>(GruOptions{.in_features = in_features, .hidden = 3, .layers = 2, .bidirectional = true},
                                golden::gru_two_layers_bidirectional) < 1e-12);
}

TEST_CASE("encoder::Gru: any lengths in any order agree with LibTorch's packed sequences", "[encoder][gru]") {
  torch::manual_seed(3);
  encoder::Gru net({.in_features = in_features, .hidden = 4, .layers = 3, .bidirectional = true});
  torch::manual_seed(3);
  torch::nn::GRU witness(torch::nn::GRUOptions(in_features, 4).num_layers(3).bidirectional(true).batch_first(true));
  const auto values = torch::randn({9, 12, in_features});
  const auto lengths = lengths_of({3, 12, 1, 7, 7, 2, 11, 12, 5});
  const auto packed = torch::nn::utils::rnn::pack_padded_sequence(values, lengths, /*batch_first=*/true,
                                                                  /*enforce_sorted=*/false);
  const auto last = std::get<1>(witness->forward_with_packed_input(packed));
  const auto features = net.forward(values, lengths);
  CHECK(features.sizes() == at::IntArrayRef{9, net.feature_width()});
  CHECK(distance(features, torch::cat({last[4], last[5]}, 1)) < 1e-6);
}

TEST_CASE("encoder::Transformer: one seed gives what Python's layers give, norms first", "[encoder][transformer]") {
  const encoder::TransformerOptions options{.in_features = in_features, .width = 8, .heads = 2, .feed_forward = 12};
  CHECK(distance_from_golden<encoder::Transformer>(options, golden::transformer) < 1e-12);
  CHECK(encoder::Transformer(options).named_parameters().keys() == golden::transformer_names);
}

TEST_CASE("encoder::Transformer: the feed-forward width is four times the width unless it is given",
          "[encoder][transformer]") {
  const encoder::Transformer net({.in_features = 3});
  CHECK(net.feature_width() == 128);
  CHECK(net.named_parameters()["layers.1.linear1.weight"].sizes() == at::IntArrayRef{512, 128});
}

TEST_CASE("Sequence encoders: features and gradients do not depend on the padding", "[encoder][sequence]") {
  const auto nan = std::nan("");
  for (const auto& kind : kinds()) {
    INFO(kind.name);
    const auto lengths = lengths_of({4, 1, 3});
    auto values = golden_values().requires_grad_();
    const auto features = kind.encode({values, lengths});
    CHECK(features.sizes() == at::IntArrayRef{3, kind.encode.feature_width()});
    features.square().sum().backward();

    auto padded = torch::full({3, 9, in_features}, nan, torch::kDouble);
    padded.narrow(1, 0, 4).copy_(golden_values());
    padded[1].narrow(0, 1, 8).fill_(nan);
    padded[2].narrow(0, 3, 6).fill_(INFINITY);
    padded.requires_grad_();
    const auto again = kind.encode({padded, lengths});
    again.square().sum().backward();
    CHECK(distance(features, again) < 1e-12);
    CHECK(distance(values.grad(), padded.grad().narrow(1, 0, 4)) < 1e-12);
    CHECK(padded.grad().narrow(1, 4, 5).abs().max().item<double>() == 0.0);

    for (std::int64_t b = 0; b < 3; ++b) {
      const auto alone = golden_values().narrow(0, b, 1).narrow(1, 0, lengths[b].item<std::int64_t>());
      CHECK(distance(kind.encode(alone), features.narrow(0, b, 1)) < 1e-12);
    }
  }
}

TEST_CASE("Sequence encoders: without lengths all steps are valid", "[encoder][sequence]") {
  for (const auto& kind : kinds()) {
    INFO(kind.name);
    CHECK(torch::equal(kind.encode(golden_values()), kind.encode({golden_values(), lengths_of({4, 4, 4})})));
    // Out of range: the nearer end.
    CHECK(torch::equal(kind.encode({golden_values(), lengths_of({4, 0, 4})}),
                       kind.encode({golden_values(), lengths_of({9, -2, 4})})));
  }
}

TEST_CASE("Sequence encoders: a sample of length 0 has features 0 and gives no gradient", "[encoder][sequence]") {
  for (const auto& kind : kinds()) {
    INFO(kind.name);
    auto values = golden_values();
    values[1].fill_(std::nan(""));
    values.requires_grad_();
    const auto features = kind.encode({values, lengths_of({4, 0, 3})});
    CHECK(features[1].abs().max().item<double>() == 0.0);
    CHECK(distance(features[0], kind.encode(golden_values())[0]) < 1e-12);
    features.add(1.0).square().sum().backward();
    CHECK(values.grad()[1].abs().max().item<double>() == 0.0);
    CHECK(values.grad().isfinite().all().item<bool>());

    kind.module->zero_grad();
    kind.encode({values, lengths_of({0, 0, 0})}).add(1.0).square().sum().backward();
    for (const auto& parameter : kind.module->named_parameters()) {
      INFO(parameter.key());
      CHECK((!parameter->grad().defined() || parameter->grad().abs().max().item<double>() == 0.0));
    }
  }
}

TEST_CASE("Sequence encoders: the order of the steps counts", "[encoder][sequence]") {
  for (const auto& kind : kinds()) {
    INFO(kind.name);
    CHECK(distance(kind.encode(golden_values()), kind.encode(golden_values().flip(1))) > 1e-3);
  }
}

TEST_CASE("Sequence encoders: gradients are those of the differences", "[encoder][sequence]") {
  for (const auto& kind : kinds()) {
    INFO(kind.name);
    auto values = golden_values().requires_grad_();
    std::vector<at::Tensor> variables = kind.module->parameters();
    variables.push_back(values);
    const auto lengths = lengths_of({4, 0, 2});
    CHECK_REPORT(g2d::check::gradient([&] { return kind.encode({values, lengths}).sin().sum(); }, variables));
  }
}

TEST_CASE("Sequence encoders: gradients reach every parameter", "[encoder][sequence]") {
  for (const auto& kind : kinds()) {
    kind.encode({golden_values(), lengths_of({4, 2, 3})}).square().sum().backward();
    for (const auto& parameter : kind.module->named_parameters()) {
      INFO(kind.name << ", " << parameter.key());
      REQUIRE(parameter->grad().defined());
      CHECK(parameter->grad().abs().sum().item<double>() > 0.0);
    }
  }
}

TEST_CASE("Sequence encoders: dropout is drawn from the seed in training, and is off in evaluation",
          "[encoder][sequence]") {
  for (const auto& kind : kinds()) {
    INFO(kind.name);
    const auto encode = [&] { return kind.encode({golden_values(), lengths_of({4, 1, 3})}); };
    const auto evaluated = encode();
    CHECK(torch::equal(evaluated, encode()));
    kind.module->train();
    torch::manual_seed(1);
    const auto first = encode();
    const auto second = encode();
    torch::manual_seed(1);
    CHECK(torch::equal(first, encode()));
    const bool has_dropout = kind.name != "gru";
    CHECK(torch::equal(first, second) != has_dropout);
    CHECK(torch::equal(first, evaluated) != has_dropout);
  }
}

TEST_CASE("Sequence encoders: bfloat16 stays near float64", "[encoder][sequence]") {
  for (const auto& kind : kinds()) {
    INFO(kind.name);
    const auto lengths = lengths_of({4, 0, 3});
    const auto expected = kind.encode({golden_values(), lengths});
    kind.module->to(torch::kBFloat16);
    const auto features = kind.encode({golden_values().to(torch::kBFloat16), lengths});
    CHECK(features.scalar_type() == torch::kBFloat16);
    CHECK(distance(features.to(torch::kDouble), expected) < 0.05);
    features.sum().backward();
  }
}

TEST_CASE("Sequence encoders: arithmetic in bfloat16 leaves weights and gradients in float32", "[encoder][sequence]") {
  torch::manual_seed(12);
  const auto check = [](const auto& module) {
    const auto values = golden_values().to(torch::kFloat);
    const auto lengths = lengths_of({4, 0, 3});
    module->eval();
    const auto expected = g2d::Encoder(module)({values, lengths});
    const auto features = g2d::Encoder(module, {.precision = g2d::Precision::BFloat16})({values, lengths});
    CHECK(features.scalar_type() == torch::kFloat);
    const auto error = distance(features, expected);
    CHECK(error < 0.05);
    CHECK(error > 0.0);
    features.square().sum().backward();
    for (const auto& parameter : module->parameters()) {
      CHECK(parameter.grad().scalar_type() == torch::kFloat);
      CHECK(parameter.grad().isfinite().all().template item<bool>());
    }
  };
  check(std::make_shared<encoder::Gru>(
      encoder::GruOptions{.in_features = in_features, .hidden = 16, .layers = 2, .bidirectional = true}));
  check(std::make_shared<encoder::Transformer>(encoder::TransformerOptions{.in_features = in_features, .width = 16}));
}

TEST_CASE("Sequence encoders: the host never waits for the device", "[encoder][sequence]") {
  for (const auto& kind : kinds()) {
    INFO(kind.name);
    become_meta(*kind.module);
    kind.module->train();
    const auto values = torch::zeros({3, 4, in_features}, at::device(torch::kMeta).dtype(torch::kDouble));
    const auto lengths = torch::zeros({3}, at::device(torch::kMeta).dtype(torch::kLong));
    const HostWaits waits;
    kind.encode({values, lengths}).sum().backward();
    CHECK(HostWaits::found() == std::vector<std::string>());
  }
}

TEST_CASE("Sequence encoders: one name serves values with lengths and without", "[encoder][sequence]") {
  const g2d::Encoder two_forms(std::make_shared<TwoForms>(), {.feature_width = in_features});
  const auto values = torch::ones({2, 3, in_features});
  CHECK(two_forms(values)[0][0].item<float>() == 3.0F);
  CHECK(two_forms({values, lengths_of({2, 1})})[0][0].item<float>() == 6.0F);
}

TEST_CASE("Sequence encoders: options and inputs that do not fit are named", "[encoder][sequence]") {
  using g2d::ConfigError;
  using g2d::ShapeError;
  CHECK(thrown<ConfigError>([] { encoder::Gru({}); }) ==
        "g2d: encoder::Gru: expected sizes >= 1, got in_features 0, hidden 128, layers 1");
  CHECK(thrown<ConfigError>([] { encoder::Gru({.in_features = 2, .dropout = 1.0}); }) ==
        "g2d: encoder::Gru: expected dropout in [0, 1), got 1");
  CHECK(thrown<ConfigError>([] { encoder::Transformer({.in_features = 2, .layers = 0}); }) ==
        "g2d: encoder::Transformer: expected sizes >= 1, got in_features 2, width 128, heads 4, layers 0, "
        "feed_forward 0");
  CHECK(thrown<ConfigError>([] { encoder::Transformer({.in_features = 2, .width = 30}); }) ==
        "g2d: encoder::Transformer: expected an even width that is a multiple of heads, got width 30, heads 4");
  CHECK(thrown<ConfigError>([] { encoder::Transformer({.in_features = 2, .width = 9, .heads = 3}); }) ==
        "g2d: encoder::Transformer: expected an even width that is a multiple of heads, got width 9, heads 3");
  CHECK(thrown<ConfigError>([] { encoder::Transformer({.in_features = 2, .dropout = -0.5}); }) ==
        "g2d: encoder::Transformer: expected dropout in [0, 1), got -0.5");

  encoder::Gru gru({.in_features = 2});
  encoder::Transformer transformer({.in_features = 2});
  const auto values = torch::zeros({3, 4, 2});
  CHECK(thrown<ShapeError>([&] { gru.forward(torch::zeros({3, 4, 5})); }) ==
        "g2d: encoder::Gru: expected values [B, T, 2] with T >= 1, got [3, 4, 5]");
  CHECK(thrown<ShapeError>([&] { transformer.forward(torch::zeros({3, 2})); }) ==
        "g2d: encoder::Transformer: expected values [B, T, 2] with T >= 1, got [3, 2]");
  CHECK(thrown<ShapeError>([&] { gru.forward(torch::zeros({3, 0, 2})); }) ==
        "g2d: encoder::Gru: expected values [B, T, 2] with T >= 1, got [3, 0, 2]");
  CHECK(thrown<ShapeError>([&] { gru.forward(values, torch::zeros({2}, torch::kLong)); }) ==
        "g2d: encoder::Gru: expected lengths int64 [3], got Long [2]");
  CHECK(thrown<ShapeError>([&] { transformer.forward(values, torch::ones({3})); }) ==
        "g2d: encoder::Transformer: expected lengths int64 [3], got Float [3]");
  CHECK(thrown<ShapeError>([&] {
          gru.forward(values, torch::zeros({3}, at::device(torch::kMeta).dtype(torch::kLong)));
        }) == "g2d: encoder::Gru: expected lengths on the device of the values, cpu, got meta");
}

TEST_CASE("Trainer: three encoders of sequences learn, the same from one seed", "[trainer][sequence]") {
  const auto run = [](std::int64_t num_epochs) {
    const auto student = sequence_student();
    g2d::TrainerOptions options{.num_epochs = num_epochs, .batch_size = 16};
    options.optimizer = g2d::optimizer::Adam{.learning_rate = 0.01};
    auto trainer = make_trainer(*student, joint(), options);
    const auto history = trainer.fit(sequence_blobs(120, 0), sequence_blobs(60, 1));
    return std::pair(snapshot(*student), history);
  };
  CHECK(run(1).first == run(1).first);
  const auto history = run(6).second;
  CHECK(history.epochs.back().losses[0].second < 0.5 * history.epochs[0].losses[0].second);
  CHECK(history.epochs.back().validation.fused[0].value > 0.9);
}

TEST_CASE("Trainer: encoders of sequences run through the stages, with samples that lack a modality",
          "[trainer][sequence]") {
  const auto whole = sequence_blobs(48, 0);
  Random random(9, at::kFloat);
  auto present = random.bits({48, 3}).to(torch::kBool);
  present.select(1, 0).fill_(true);
  auto inputs = whole.all().inputs;
  // A modality that is absent has no length either, as feature files say it.
  for (std::size_t m = 0; m < inputs.size(); ++m) {
    inputs[m].lengths = inputs[m].lengths * present.select(1, static_cast<std::int64_t>(m));
  }
  const g2d::data::InMemory train(names(3), inputs, whole.all().target, {}, present);
  const auto student = sequence_student();
  auto trainer = make_trainer(*student, in_stages({1, 1, 1, 1}), {.num_epochs = 4, .batch_size = 16});
  const auto history = trainer.fit(train, sequence_blobs(30, 1));
  CHECK(history.epochs.size() == 4);
  for (const auto& parameter : student->parameters()) CHECK(parameter.isfinite().all().item<bool>());
}
