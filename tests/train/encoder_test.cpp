// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <g2d/encoder/detail/channels_last.hpp>
#include <g2d/encoder/encoder.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/encoder/small_cnn.hpp>

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

namespace encoder = g2d::encoder;
using Catch::Matchers::Contains;

double distance(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

std::vector<std::string> parameter_names(const torch::nn::Module& module) { return module.named_parameters().keys(); }

}  // namespace

TEST_CASE("encoder::ResNet18: parameters bear torchvision's names, without a classifier", "[encoder][resnet18]") {
  const encoder::ResNet18 net;
  const auto names = parameter_names(net);
  CHECK(names.size() == 60);
  CHECK(names[0] == "conv1.weight");
  CHECK(names[1] == "bn1.weight");
  CHECK(names[3] == "layer1.0.conv1.weight");
  const auto parameters = net.named_parameters();
  CHECK(parameters["conv1.weight"].sizes() == at::IntArrayRef{64, 1, 7, 7});
  CHECK(parameters["layer4.0.downsample.0.weight"].sizes() == at::IntArrayRef{512, 256, 1, 1});
  CHECK(parameters["layer4.1.bn2.bias"].sizes() == at::IntArrayRef{512});
  CHECK_FALSE(parameters.contains("layer1.0.downsample.0.weight"));
  const auto buffers = net.named_buffers();
  CHECK(buffers.size() == 60);
  CHECK(buffers.contains("layer2.0.downsample.1.running_var"));
}

TEST_CASE("encoder::ResNet18: a block registers its down-sampling branch after its own layers", "[encoder][resnet18]") {
  const encoder::ResNet18 net;
  const auto names = parameter_names(*net.named_modules("", /*include_self=*/false)["layer2.0"]);
  CHECK(names.front() == "conv1.weight");
  CHECK(names.back() == "downsample.1.bias");
}

TEST_CASE("encoder::ResNet18: a video's features are the mean of its frames' features", "[encoder][resnet18]") {
  torch::manual_seed(1);
  encoder::ResNet18 net({.in_channels = 3});
  net.eval();
  const at::NoGradGuard no_grad;
  const auto video = torch::randn({2, 3, 4, 32, 40});
  auto expected = torch::zeros({2, 512});
  for (std::int64_t frame = 0; frame < 4; ++frame) expected += net.forward(video.select(2, frame)) / 4;
  const auto features = net.forward(video);
  CHECK(features.sizes() == at::IntArrayRef{2, net.feature_width()});
  CHECK(distance(features, expected) < 1e-5);
}

TEST_CASE("encoder::ResNet18: gradients reach every parameter", "[encoder][resnet18]") {
  torch::manual_seed(2);
  encoder::ResNet18 net;
  net.forward(torch::randn({3, 1, 40, 36})).square().sum().backward();
  for (const auto& parameter : net.named_parameters()) {
    INFO(parameter.key());
    REQUIRE(parameter->grad().defined());
    CHECK(parameter->grad().abs().sum().item<double>() > 0.0);
  }
}

TEST_CASE("encoder::ResNet18: either layout gives the same features and gradients", "[encoder][resnet18]") {
  const auto make = [](bool channels_last) {
    torch::manual_seed(5);
    return encoder::ResNet18({.in_channels = 2, .channels_last = channels_last});
  };
  // In double: where rounding puts a relu's input on the other side of 0, gradients jump.
  auto plain = make(false), last = make(true);
  plain.to(at::kDouble);
  last.to(at::kDouble);
  const auto x = torch::randn({8, 2, 64, 64}, at::kDouble);
  const auto direction = torch::randn({8, 512}, at::kDouble);
  const auto features = plain.forward(x), of_last = last.forward(x);
  CHECK(distance(of_last, features) < 1e-9);
  features.backward(direction);
  of_last.backward(direction);
  const auto expected = plain.named_parameters();
  for (const auto& parameter : last.named_parameters()) {
    INFO(parameter.key());
    const auto& gradient = expected[parameter.key()].grad();
    CHECK(distance(parameter->grad(), gradient) < 1e-9 * (1.0 + gradient.abs().max().item<double>()));
    CHECK(parameter->grad().strides() == parameter->strides());
  }
}

TEST_CASE("encoder::ResNet18: inputs and options that do not fit are named", "[encoder][resnet18]") {
  encoder::ResNet18 net({.in_channels = 3});
  CHECK_THROWS_AS(net.forward(torch::zeros({2, 1, 8, 8})), g2d::ShapeError);
  CHECK_THROWS_WITH(net.forward(torch::zeros({2, 1, 8, 8})),
                    "g2d: encoder::ResNet18: expected [B, 3, H, W] or [B, 3, T, H, W], got [2, 1, 8, 8]");
  CHECK_THROWS_AS(net.forward(torch::zeros({3, 8})), g2d::ShapeError);
  CHECK_THROWS_AS(encoder::ResNet18({.in_channels = 0}), g2d::ConfigError);
  CHECK_THROWS_WITH(encoder::ResNet18({.in_channels = 0}), "g2d: encoder::ResNet18: expected in_channels >= 1, got 0");
}

TEST_CASE("encoder::SmallCnn: a linear layer leads to another width than the last block's", "[encoder][small_cnn]") {
  encoder::SmallCnn plain;
  CHECK(plain.forward(torch::randn({5, 1, 28, 28})).sizes() == at::IntArrayRef{5, 64});
  CHECK(parameter_names(plain) == std::vector<std::string>{"conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight",
                                                           "bn2.weight", "bn2.bias", "conv3.weight", "bn3.weight",
                                                           "bn3.bias"});
  encoder::SmallCnn projected({.in_channels = 2, .channels = {4, 8}, .feature_width = 10});
  CHECK(projected.feature_width() == 10);
  CHECK(projected.forward(torch::randn({3, 2, 4, 9})).sizes() == at::IntArrayRef{3, 10});
  CHECK(projected.named_parameters()["fc.weight"].sizes() == at::IntArrayRef{10, 8});
}

TEST_CASE("encoder::SmallCnn: one block is convolution, norm, relu, max-pool and mean", "[encoder][small_cnn]") {
  torch::manual_seed(3);
  encoder::SmallCnn net({.in_channels = 1, .channels = {5}, .feature_width = 5});
  const auto x = torch::randn({4, 1, 6, 6});
  const auto convolved =
      torch::conv2d(x, net.named_parameters()["conv1.weight"], {}, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1});
  const auto mean = convolved.mean({0, 2, 3}, true);
  const auto variance = convolved.var({0, 2, 3}, false, true);
  const auto expected = torch::max_pool2d(((convolved - mean) / (variance + 1e-5).sqrt()).relu(), 2).mean({2, 3});
  CHECK(distance(net.forward(x), expected) < 1e-5);
}

TEST_CASE("encoder::SmallCnn: inputs and options that do not fit are named", "[encoder][small_cnn]") {
  encoder::SmallCnn net;
  CHECK_THROWS_AS(net.forward(torch::zeros({2, 1, 7, 28})), g2d::ShapeError);
  CHECK_THROWS_WITH(net.forward(torch::zeros({2, 1, 7, 28})),
                    "g2d: encoder::SmallCnn: expected [B, 1, H, W] with H and W >= 8, got [2, 1, 7, 28]");
  CHECK_THROWS_AS(encoder::SmallCnn({.channels = {}}), g2d::ConfigError);
  CHECK_THROWS_AS(encoder::SmallCnn({.channels = {8, 0}}), g2d::ConfigError);
  CHECK_THROWS_WITH(encoder::SmallCnn({.in_channels = -1}), Contains("sizes >= 1, got in_channels -1"));
}

TEST_CASE("encoder::Mlp: every layer is followed by the activation", "[encoder][mlp]") {
  torch::manual_seed(4);
  encoder::Mlp net({.in_features = 6, .hidden = {5}, .feature_width = 3, .activation = encoder::Activation::Tanh});
  const auto x = torch::randn({4, 2, 3});
  const auto w = net.named_parameters();
  const auto hidden = torch::linear(x.flatten(1), w["fc1.weight"], w["fc1.bias"]).tanh();
  CHECK(distance(net.forward(x), torch::linear(hidden, w["fc2.weight"], w["fc2.bias"]).tanh()) < 1e-6);
  CHECK(net.feature_width() == 3);

  encoder::Mlp rectified({.in_features = 6});
  CHECK(rectified.forward(x).min().item<double>() >= 0.0);
  rectified.forward(x).sum().backward();
  CHECK(rectified.parameters()[0].grad().defined());
}

TEST_CASE("encoder::Mlp: dropout acts in training only", "[encoder][mlp]") {
  torch::manual_seed(5);
  encoder::Mlp net({.in_features = 8, .hidden = {32}, .dropout = 0.5});
  const auto x = torch::randn({4, 8});
  CHECK(distance(net.forward(x), net.forward(x)) > 0.0);
  net.eval();
  CHECK(distance(net.forward(x), net.forward(x)) == 0.0);
}

TEST_CASE("encoder::Mlp: inputs and options that do not fit are named", "[encoder][mlp]") {
  encoder::Mlp net({.in_features = 6});
  CHECK_THROWS_AS(net.forward(torch::zeros({4, 5})), g2d::ShapeError);
  CHECK_THROWS_WITH(net.forward(torch::zeros({4, 5})),
                    "g2d: encoder::Mlp: expected [B, ...] with 6 values a sample, got [4, 5]");
  CHECK_THROWS_AS(net.forward(torch::zeros({6})), g2d::ShapeError);
  CHECK(net.forward(torch::zeros({0, 2, 3})).size(0) == 0);
  CHECK_THROWS_AS(encoder::Mlp({}), g2d::ConfigError);
  CHECK_THROWS_AS(encoder::Mlp({.in_features = 4, .hidden = {0}}), g2d::ConfigError);
  CHECK_THROWS_WITH(encoder::Mlp({.in_features = 4, .dropout = 1.0}),
                    "g2d: encoder::Mlp: expected dropout in [0, 1), got 1");
}

TEST_CASE("Encoder: bfloat16 is the layers' arithmetic alone: weights, features and gradients stay float32",
          "[encoder][precision]") {
  torch::manual_seed(3);
  const auto net = std::make_shared<encoder::SmallCnn>();
  net->eval();
  const g2d::Encoder full(net);
  const g2d::Encoder fast(net, {.precision = g2d::Precision::BFloat16});
  const auto images = torch::randn({4, 1, 28, 28});
  const auto expected = full(images);
  const auto features = fast(images);
  CHECK(features.scalar_type() == torch::kFloat);
  const double error = distance(features, expected) / expected.abs().max().item<double>();
  CHECK(error > 0.0);
  CHECK(error < 0.05);
  features.sum().backward();
  for (const auto& parameter : net->parameters()) {
    CHECK(parameter.scalar_type() == torch::kFloat);
    CHECK(parameter.grad().scalar_type() == torch::kFloat);
  }
}

TEST_CASE("Encoder: bfloat16 leaves autocast as it was, after an error too, and follows the weights",
          "[encoder][precision]") {
  const auto net = std::make_shared<encoder::Mlp>(encoder::MlpOptions{.in_features = 3});
  const g2d::Encoder fast(net, {.precision = g2d::Precision::BFloat16});
  const auto x = torch::ones({2, 3});
  const auto before = fast(x);
  CHECK_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  CHECK_THROWS_AS(fast(torch::ones({2, 4})), g2d::ShapeError);
  CHECK_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : net->parameters()) parameter.add_(1.0);
  }
  CHECK(distance(fast(x), before) > 0.5);  // no cast of the old weights is kept
}
