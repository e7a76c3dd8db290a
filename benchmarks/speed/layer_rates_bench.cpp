// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// At what rate each convolution of ResNet-18 over 1x112^2 runs, pass by pass, beside a matrix product of the same
// numbers; and what share of the encoder's forward and backward pass the convolutions take. The passes are LibTorch's
// and, where the library has a way of its own, the library's. Rates are those of a direct convolution's arithmetic: a
// way with less of it may exceed the machine's.
//
//   layer_rates_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/conv.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <g2d/encoder/detail/convolve.hpp>
#include <g2d/encoder/resnet18.hpp>

#include "support/bench_options.hpp"
#include "support/bench_report.hpp"
#include "support/paired_timing.hpp"
#include "support/resnet18_convolutions.hpp"
#include "support/roofline.hpp"

namespace {

constexpr std::int64_t image_size = 112;

/// A convolution, channels-last as the encoder is, with an input and a gradient of its output.
class Layer {
 public:
  Layer(const ConvolutionShape& shape, std::int64_t batch)
      : shape_(shape),
        batch_(batch),
        convolution_(torch::nn::Conv2dOptions(shape.in_channels, shape.out_channels, shape.kernel)
                         .stride(shape.stride)
                         .padding(shape.padding())
                         .bias(false)),
        x_(pictures(shape.in_channels, shape.size)),
        gradient_(pictures(shape.out_channels, shape.out_size())) {
    auto& weight = convolution_->weight;
    weight.set_data(weight.detach().contiguous(at::MemoryFormat::ChannelsLast));
    if (has_own_way()) y_ = g2d::encoder::detail::convolve(convolution_, x_.requires_grad_());
  }

  [[nodiscard]] const ConvolutionShape& shape() const { return shape_; }
  [[nodiscard]] bool has_own_way() const {
    using namespace g2d::encoder::detail;
    const auto pays = [&](auto way) { return decltype(way)::pays(x_, convolution_->weight, shape_.stride); };
    return shape_.kernel == 3 && (pays(Winograd4x4()) || pays(Winograd2x2()) || pays(PatchConvolution()));
  }

  void forward() const {
    const at::NoGradGuard no_grad;
    (void)at::convolution(x_, convolution_->weight, {}, stride(), padding(), {1, 1}, false, {0, 0}, 1);
  }
  void input_gradient() const { backward({true, false, false}); }
  void weight_gradient() const { backward({false, true, false}); }

  void own_forward() {
    const at::NoGradGuard no_grad;
    (void)g2d::encoder::detail::convolve(convolution_, x_);
  }
  /// Of input and weight, through autograd, whose own cost is microseconds.
  void own_gradients() const {
    (void)torch::autograd::grad({y_}, {x_, convolution_->weight}, {gradient_}, /*retain_graph=*/true);
  }

  /// What a training step does. Nobody asks for the gradient of pictures.
  void train(bool is_stem) {
    if (has_own_way()) {
      own_forward();
      own_gradients();
    } else {
      forward();
      if (!is_stem) input_gradient();
      weight_gradient();
    }
  }

 private:
  [[nodiscard]] at::Tensor pictures(std::int64_t channels, std::int64_t size) const {
    return at::randn({batch_, channels, size, size}).contiguous(at::MemoryFormat::ChannelsLast);
  }
  [[nodiscard]] std::vector<std::int64_t> stride() const { return {shape_.stride, shape_.stride}; }
  [[nodiscard]] std::vector<std::int64_t> padding() const { return {shape_.padding(), shape_.padding()}; }

  void backward(std::array<bool, 3> wanted) const {
    const at::NoGradGuard no_grad;
    (void)at::convolution_backward(gradient_, x_, convolution_->weight, {}, stride(), padding(), {1, 1}, false, {0, 0},
                                   1, wanted);
  }

  ConvolutionShape shape_;
  std::int64_t batch_;
  torch::nn::Conv2d convolution_;
  at::Tensor x_, gradient_, y_;
};

std::vector<Layer> make_layers(std::int64_t batch) {
  std::vector<Layer> layers;
  for (const auto& shape : resnet18_convolutions(1, image_size)) layers.emplace_back(shape, batch);
  return layers;
}

/// A row for each output, a column for each number that the kernel sees.
double seconds_of_matrix_product(const ConvolutionShape& shape, std::int64_t batch) {
  const at::NoGradGuard no_grad;
  const auto inner = shape.in_channels * shape.kernel * shape.kernel;
  const auto patches = at::randn({batch * shape.out_size() * shape.out_size(), inner}),
             weight = at::randn({inner, shape.out_channels});
  return median_seconds([&] { (void)at::mm(patches, weight); });
}

void report_layer(BenchReport& report, Layer& layer, std::int64_t batch, bool is_stem) {
  const auto& shape = layer.shape();
  const auto name = fmt::format("{0}x{0}/{1}, {2} to {3} channels, {4}^2", shape.kernel, shape.stride,
                                shape.in_channels, shape.out_channels, shape.size);
  const auto add = [&](const std::string& pass, double seconds, int passes = 1) {
    report.add_value(name + ": " + pass, passes * shape.flops() * static_cast<double>(batch) / seconds / 1e9,
                     "GFLOP/s");
  };
  add("matrix product", seconds_of_matrix_product(shape, batch));
  add("forward", median_seconds([&] { layer.forward(); }));
  if (!is_stem) add("input gradient", median_seconds([&] { layer.input_gradient(); }));
  add("weight gradient", median_seconds([&] { layer.weight_gradient(); }));
  if (!layer.has_own_way()) return;
  add("forward, library", median_seconds([&] { layer.own_forward(); }));
  add("both gradients, library", median_seconds([&] { layer.own_gradients(); }), 2);
}

/// All convolutions of a training step against the whole encoder's.
void report_share(BenchReport& report, const BenchOptions& options, std::vector<Layer>& layers, std::int64_t batch) {
  const auto convolutions = [&] {
    for (auto& layer : layers) {
      for (std::int64_t i = 0; i < layer.shape().count; ++i) layer.train(&layer == &layers.front());
    }
  };
  g2d::encoder::ResNet18 encoder;
  const auto x = at::randn({batch, 1, image_size, image_size});
  const auto whole = [&] {
    encoder.zero_grad();
    encoder.forward(x).sum().backward();
  };
  const auto timing = time_pairs(convolutions, whole, options.pairs(9));
  report.add_time_ratio("the convolutions' share of forward and backward", "alone", "encoder", timing);
  report_rate(report, "the encoder", static_cast<double>(batch) * resnet18_training_flops(1, image_size),
              timing.median_b, measure_rates().float32);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("layer_rates", options);
  const std::int64_t batch = options.is_smoke ? 1 : 16;
  auto layers = make_layers(batch);
  for (auto& layer : layers) report_layer(report, layer, batch, &layer == &layers.front());
  report_share(report, options, layers, batch);
}
