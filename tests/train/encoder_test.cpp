// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <g2d/encoder/detail/autocast_scope.hpp>
#include <g2d/encoder/detail/channels_last.hpp>
#include <g2d/encoder/detail/convolve.hpp>
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

TEST_CASE("encoder::detail::convolve: a picture of one pixel, like any other, is what conv2d makes of it", "[encoder][resnet18]") {
  torch::manual_seed(3);
  const std::int64_t height = GENERATE(1, 2, 4), width = GENERATE(1, 3);
  const auto stride = GENERATE(1, 2);
  const bool is_channels_last = GENERATE(false, true);
  INFO("size " << height << " x " << width << ", stride " << stride << ", channels-last " << is_channels_last);
  torch::nn::Conv2d convolution(torch::nn::Conv2dOptions(6, 5, 3).stride(stride).padding(1).bias(false));
  if (is_channels_last) encoder::detail::use_channels_last(*convolution);
  const auto x = torch::randn({3, 6, height, width}).requires_grad_();
  const auto twin = x.detach().clone().requires_grad_();
  const auto weight = convolution->weight.detach().clone(at::MemoryFormat::Contiguous).requires_grad_();
  const auto expected = at::conv2d(twin, weight, {}, at::IntArrayRef{stride, stride}, at::IntArrayRef{1, 1});
  const auto given = encoder::detail::convolve(convolution, x);
  REQUIRE(given.sizes() == expected.sizes());
  CHECK(distance(given, expected) < 1e-5);
  const auto direction = torch::randn_like(expected);
  given.backward(direction);
  expected.backward(direction);
  CHECK(distance(x.grad(), twin.grad()) < 1e-5);
  CHECK(distance(convolution->weight.grad(), weight.grad()) < 1e-5);
}

TEST_CASE("encoder::detail::PatchConvolution: values and gradients, first and second, are those of conv2d", "[encoder][resnet18]") {
  torch::manual_seed(4);
  const std::int64_t in_channels = 128, out_channels = 6;  // 28 samples of 11 x 12 make two blocks of patches
  const auto [height, stride] = GENERATE(table<std::int64_t, std::int64_t>({{2, 1}, {3, 2}, {11, 1}}));
  INFO("height " << height << ", stride " << stride);
  const auto x = torch::randn({28, in_channels, height, height + 1}, at::kDouble).requires_grad_();
  const auto weight = torch::randn({out_channels, in_channels, 3, 3}, at::kDouble).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
  const auto given = encoder::detail::PatchConvolution::apply(x, weight, stride);
  const auto expected = at::conv2d(x, weight, {}, at::IntArrayRef{stride, stride}, at::IntArrayRef{1, 1});
  CHECK(distance(given, expected) < 1e-9);
  const auto first = torch::autograd::grad({given.tanh().sum()}, {x, weight}, {}, true, /*create_graph=*/true);
  const auto expected_first = torch::autograd::grad({expected.tanh().sum()}, {x, weight}, {}, true, /*create_graph=*/true);
  CHECK(torch::equal(torch::autograd::grad({given.tanh().sum()}, {x}, {}, /*retain_graph=*/true)[0], first[0]));  // Of one alone
  const auto second = torch::autograd::grad({first[0].square().sum() + first[1].square().sum()}, {x, weight});
  const auto expected_second = torch::autograd::grad({expected_first[0].square().sum() + expected_first[1].square().sum()}, {x, weight});
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(distance(first[k], expected_first[k]) < 1e-9);
    CHECK(distance(second[k], expected_second[k]) < 1e-7);
  }
  CHECK(first[1].is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST_CASE("encoder::detail::convolve: under autocast its products are bfloat16's, and weights have gradients of their own", "[encoder][resnet18]") {
  torch::manual_seed(6);
  const std::int64_t size = GENERATE(1, 2, 4);
  INFO("size " << size);
  torch::nn::Conv2d convolution(torch::nn::Conv2dOptions(32, 128, 3).padding(1).bias(false));
  encoder::detail::use_channels_last(*convolution);
  const auto x = torch::randn({4, 32, size, size}).requires_grad_();
  const auto gradients = [&](const auto& convolve) {
    at::Tensor y;
    {
      const encoder::detail::AutocastScope autocast(at::kCPU, g2d::Precision::BFloat16);
      y = convolve();
    }
    CHECK(y.scalar_type() == at::kBFloat16);
    return torch::autograd::grad({y.to(at::kFloat).square().sum()}, {x, convolution->weight});
  };
  const auto given = gradients([&] { return encoder::detail::convolve(convolution, x); });
  const auto expected = gradients([&] { return convolution(x); });
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(given[k].scalar_type() == at::kFloat);
    CHECK(distance(given[k], expected[k]) < 0.02 * expected[k].abs().max().item<double>());
  }
}

TEST_CASE("encoder::detail::PatchConvolution: pays when gradients are wanted, by the kind of processor", "[encoder][resnet18]") {
  using encoder::detail::PatchConvolution;
  const auto pictures = [](std::int64_t count, std::int64_t size) { return torch::zeros({count, 2, size, size}); };
  const auto weight_of = [](std::int64_t channels, at::MemoryFormat layout = at::MemoryFormat::ChannelsLast) {
    return torch::zeros({channels, 2, 3, 3}).contiguous(layout).requires_grad_();
  };
  const auto many = weight_of(128), few = weight_of(64), plain = weight_of(128, at::MemoryFormat::Contiguous);
  const bool is_avx2 = at::get_cpu_capability() == "AVX2", is_avx512 = at::get_cpu_capability() == "AVX512";
  // AVX-512: few positions of outputs.
  CHECK(PatchConvolution::pays(pictures(16, 4), many, 1) == (is_avx2 || is_avx512));
  CHECK(PatchConvolution::pays(pictures(17, 4), many, 1) == is_avx2);
  CHECK(PatchConvolution::pays(pictures(16, 15), many, 2) == (is_avx2 || is_avx512));
  CHECK(PatchConvolution::pays(pictures(16, 17), many, 2) == is_avx2);
  // AVX2: many channels.
  CHECK(PatchConvolution::pays(pictures(16, 4), few, 1) == is_avx512);
  CHECK_FALSE(PatchConvolution::pays(pictures(16, 4), plain, 1));
  CHECK_FALSE(PatchConvolution::pays(pictures(0, 4), many, 1));
  CHECK_FALSE(PatchConvolution::pays(pictures(16, 4), many.detach(), 1));
  const at::NoGradGuard no_grad;
  CHECK_FALSE(PatchConvolution::pays(pictures(16, 4), many, 1));
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

TEST_CASE("Encoder: bfloat16 is the layers' arithmetic alone: weights, features and gradients stay float32", "[encoder][precision]") {
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

TEST_CASE("Encoder: bfloat16 leaves autocast as it was, after an error too, and follows the weights", "[encoder][precision]") {
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
