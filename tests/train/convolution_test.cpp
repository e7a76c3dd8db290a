// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// The ways in which a 3x3 convolution is computed, against LibTorch's conv2d.

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/encoder/detail/autocast_scope.hpp>
#include <g2d/encoder/detail/channels_last.hpp>
#include <g2d/encoder/detail/convolve.hpp>
#include <g2d/encoder/resnet18.hpp>

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own
#include "support/threads_scope.hpp"

namespace {

namespace encoder = g2d::encoder;

double distance(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

using g2d_test::ThreadsScope;

/// The first derivatives of a curved function of the outputs, and then those of a sum of their squares.
std::vector<at::Tensor> derivatives(const at::Tensor& outputs, const std::vector<at::Tensor>& of, bool has_second) {
  auto first =
      torch::autograd::grad({outputs.tanh().sum()}, of, {}, /*retain_graph=*/true, /*create_graph=*/has_second);
  if (!has_second) return first;
  for (const auto& second : torch::autograd::grad({first[0].square().sum() + first[1].square().sum()}, of))
    first.push_back(second);
  return first;
}

/// The largest difference beside the largest value.
double relative_distance(const at::Tensor& given, const at::Tensor& expected) {
  return distance(given, expected) / expected.abs().max().item<double>();
}

}  // namespace

TEST_CASE("encoder::detail::convolve: a picture of one pixel, like any other, is what conv2d makes of it",
          "[encoder][convolution]") {
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

TEST_CASE("encoder::detail::PatchConvolution: values and gradients, first and second, are those of conv2d",
          "[encoder][convolution]") {
  torch::manual_seed(4);
  const std::int64_t in_channels = 128, out_channels = 6;  // 28 samples of 11 x 12 make two blocks of patches
  const auto [height, stride] = GENERATE(table<std::int64_t, std::int64_t>({{2, 1}, {3, 2}, {11, 1}}));
  INFO("height " << height << ", stride " << stride);
  const auto x = torch::randn({28, in_channels, height, height + 1}, at::kDouble).requires_grad_();
  const auto weight = torch::randn({out_channels, in_channels, 3, 3}, at::kDouble)
                          .contiguous(at::MemoryFormat::ChannelsLast)
                          .requires_grad_();
  const auto given = encoder::detail::PatchConvolution::apply(x, weight, stride);
  const auto expected = at::conv2d(x, weight, {}, at::IntArrayRef{stride, stride}, at::IntArrayRef{1, 1});
  CHECK(distance(given, expected) < 1e-9);
  const auto first = torch::autograd::grad({given.tanh().sum()}, {x, weight}, {}, true, /*create_graph=*/true);
  const auto expected_first =
      torch::autograd::grad({expected.tanh().sum()}, {x, weight}, {}, true, /*create_graph=*/true);
  CHECK(torch::equal(torch::autograd::grad({given.tanh().sum()}, {x}, {}, /*retain_graph=*/true)[0],
                     first[0]));  // Of one alone
  const auto second = torch::autograd::grad({first[0].square().sum() + first[1].square().sum()}, {x, weight});
  const auto expected_second =
      torch::autograd::grad({expected_first[0].square().sum() + expected_first[1].square().sum()}, {x, weight});
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(distance(first[k], expected_first[k]) < 1e-9);
    CHECK(distance(second[k], expected_second[k]) < 1e-7);
  }
  CHECK(first[1].is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST_CASE(
    "encoder::detail::convolve: under autocast its products are bfloat16's, and weights have gradients of their own",
    "[encoder][convolution]") {
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

TEST_CASE("encoder::detail::PatchConvolution: pays when gradients are wanted, by the kind of processor",
          "[encoder][convolution]") {
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

TEMPLATE_TEST_CASE("encoder::detail::WinogradConvolution: values and gradients, first and second, are those of conv2d",
                   "[encoder][convolution][avx2]", encoder::detail::Winograd4x4, encoder::detail::Winograd2x2) {
  torch::manual_seed(7);
  const auto [count, height, width] =
      GENERATE(table<std::int64_t, std::int64_t, std::int64_t>({{1, 1, 1}, {2, 4, 8}, {3, 7, 5}, {28, 11, 12}}));
  const bool is_channels_last = GENERATE(false, true), has_second = GENERATE(false, true);
  INFO(count << " of " << height << " x " << width << ", channels-last " << is_channels_last << ", second derivatives "
             << has_second);
  const std::int64_t in_channels = 32, out_channels = 144;  // 28 pictures make five blocks of tiles
  const auto layout = is_channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  const auto x = torch::randn({count, in_channels, height, width}).contiguous(layout).requires_grad_();
  const auto weight = torch::randn({out_channels, in_channels, 3, 3})
                          .div(17.0)
                          .contiguous(at::MemoryFormat::ChannelsLast)
                          .requires_grad_();
  const auto exact_x = x.detach().to(at::kDouble).requires_grad_(),
             exact_weight = weight.detach().to(at::kDouble).requires_grad_();
  const auto given = TestType::apply(x, weight);
  const auto expected = at::conv2d(exact_x, exact_weight, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1});
  CHECK(given.is_contiguous(at::MemoryFormat::ChannelsLast));
  CHECK(relative_distance(given, expected) < 1e-5);
  const auto of_given = derivatives(given, {x, weight}, has_second),
             of_expected = derivatives(expected, {exact_x, exact_weight}, has_second);
  for (std::size_t k = 0; k < of_given.size(); ++k) CHECK(relative_distance(of_given[k], of_expected[k]) < 2e-5);
  CHECK(of_given[1].is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEMPLATE_TEST_CASE(
    "encoder::detail::WinogradConvolution: each gradient alone is the one of both, and threads change nothing",
    "[encoder][convolution][avx2]", encoder::detail::Winograd4x4, encoder::detail::Winograd2x2) {
  torch::manual_seed(8);
  const auto x = torch::randn({9, 64, 8, 8}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
  const auto weight = torch::randn({64, 64, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
  const auto gradients = [&](int threads, const std::vector<at::Tensor>& of) {
    const ThreadsScope scope(threads);
    return torch::autograd::grad({TestType::apply(x, weight).square().sum()}, of);
  };
  const auto both = gradients(1, {x, weight});
  CHECK(torch::equal(gradients(1, {x})[0], both[0]));
  CHECK(torch::equal(gradients(1, {weight})[0], both[1]));
  const auto of_threads = gradients(3, {x, weight});
  for (std::size_t k = 0; k < 2; ++k) CHECK(relative_distance(of_threads[k], both[k]) < 1e-5);
}

TEST_CASE("encoder::detail::WinogradConvolution: pays with enough tiles, well filled, for the channels and threads",
          "[encoder][convolution]") {
  using encoder::detail::Winograd2x2, encoder::detail::Winograd4x4;
  const bool is_able = at::get_cpu_capability() == "AVX2" || at::get_cpu_capability() == "AVX512";
  const auto weight_of = [](std::int64_t in_channels, std::int64_t out_channels) {
    return torch::zeros({out_channels, in_channels, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  };
  const auto large_pays = [&](std::int64_t count, std::int64_t size, std::int64_t in_channels,
                              std::int64_t out_channels = 64, std::int64_t stride = 1) {
    return Winograd4x4::pays(torch::zeros({count, in_channels, size, size}), weight_of(in_channels, out_channels),
                             stride);
  };
  const auto small_pays = [&](std::int64_t count, std::int64_t size, std::int64_t in_channels) {
    return Winograd2x2::pays(torch::zeros({count, in_channels, size, size}), weight_of(in_channels, 64), 1);
  };
  {
    const ThreadsScope scope(1);
    CHECK(large_pays(8, 8, 64) == is_able);
    CHECK_FALSE(large_pays(7, 8, 64));  // 28 tiles
    CHECK(small_pays(4, 4, 64) == is_able);
    CHECK_FALSE(small_pays(3, 4, 64));  // 12 tiles
    CHECK(large_pays(64, 4, 1024) == is_able);
    CHECK_FALSE(large_pays(63, 4, 1024));  // many channels want many tiles
    CHECK(small_pays(8, 4, 512) == is_able);
    CHECK_FALSE(small_pays(7, 4, 512));
    CHECK_FALSE(large_pays(16, 5, 64));  // 25 outputs in four tiles
    CHECK_FALSE(small_pays(16, 5, 64));  // 25 outputs in nine tiles
    CHECK_FALSE(large_pays(8, 8, 48));
    CHECK_FALSE(large_pays(8, 8, 72));
    CHECK_FALSE(large_pays(8, 8, 64, 72));
    CHECK_FALSE(large_pays(8, 8, 64, 64, 2));
    CHECK_FALSE(large_pays(0, 8, 64));
    const auto x = torch::zeros({8, 64, 8, 8}), weight = weight_of(64, 64);
    CHECK_FALSE(Winograd4x4::pays(x.to(at::kDouble), weight.to(at::kDouble), 1));
    CHECK_FALSE(Winograd4x4::pays(at::_neg_view(x), weight, 1));  // Its bytes are not its values.
    CHECK_FALSE(Winograd4x4::pays(x, weight.contiguous(), 1));
    const encoder::detail::AutocastScope autocast(at::kCPU, g2d::Precision::BFloat16);
    CHECK_FALSE(large_pays(8, 8, 64));
    CHECK_FALSE(small_pays(8, 8, 64));
  }
  const ThreadsScope scope(2);
  CHECK_FALSE(large_pays(8, 8, 64));
  CHECK(large_pays(16, 8, 64) == is_able);
}

TEST_CASE("encoder::ResNet18: float32 differs from double by rounding, in features and gradients",
          "[encoder][resnet18]") {
  torch::manual_seed(9);
  const ThreadsScope scope(1);
  encoder::ResNet18 encoder;
  const auto x = torch::randn({4, 1, 64, 64});  // 64 tiles of 4 x 4 and then of 2 x 2 for the first two stages
  const auto direction = torch::randn({4, 512});
  const auto features_and_gradients = [&](at::ScalarType dtype) {
    encoder.zero_grad();
    encoder.to(dtype);
    const auto features = encoder.forward(x.to(dtype));
    features.backward(direction.to(dtype));
    std::vector<at::Tensor> all{features.detach()};
    for (const auto& parameter : encoder.parameters()) all.push_back(parameter.grad().clone());
    return all;
  };
  const auto given = features_and_gradients(at::kFloat), expected = features_and_gradients(at::kDouble);
  const auto difference = [&](std::size_t k) {
    return (given[k] - expected[k]).norm().item<double>() / expected[k].norm().item<double>();
  };
  CHECK(difference(0) < 1e-5);
  // A relu may open for one and not for the other.
  for (std::size_t k = 1; k < given.size(); ++k) CHECK(difference(k) < 2e-2);
}
