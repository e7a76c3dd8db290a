// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/encoder/detail/winograd_tiles.hpp>
#include <g2d/encoder/detail/winograd_transform.hpp>

namespace g2d::encoder::detail {

/// A convolution 3x3 with stride 1, padding 1 and without bias of float32, channels-last, with fewer products:
/// Winograd's. Pictures are cut into tiles of outputs; for each of the positions of a transformed tile one matrix
/// product mixes the channels of all tiles. The gradients are the derivatives of these sums.
///
/// Use when   `pays`: enough tiles in a batch, for the weights are transformed, too.
/// Cost       with tiles of 4 x 4 a quarter of the products and 0.5 of the time of LibTorch's direct convolution with
///            64 channels at 28^2, 0.6 with 128 at 14^2; with 2 x 2, for small pictures, four ninths of the products
///            and 0.7 of the time with 512 channels at 4^2. Some MiB for the tiles that are worked on together.
/// Accuracy   rounding errors are 2e-6 of the values' size with 4 x 4, where a direct convolution's are 4e-7 to 1e-6;
///            with 2 x 2 they are like those.
/// Source     arXiv:1509.09308.
template <class Tile>
class WinogradConvolution : public torch::autograd::Function<WinogradConvolution<Tile>> {
 public:
  /// Small pictures leave much of their tiles empty; few tiles are not worth transforming the weights, nor sharing out
  /// to threads.
  [[nodiscard]] static bool pays(const at::Tensor& x, const at::Tensor& weight, std::int64_t stride) {
    static const auto processor = at::get_cpu_capability();
    if (stride != 1 || (processor != "AVX2" && processor != "AVX512") || at::autocast::is_autocast_enabled(at::kCPU))
      return false;
    if (!is_of_floats(x) || !is_of_floats(weight) || !weight.is_contiguous(at::MemoryFormat::ChannelsLast))
      return false;
    const auto out_channels = weight.size(0), in_channels = weight.size(1);
    if (x.size(1) != in_channels || in_channels < 4 * multiple || in_channels % multiple != 0 ||
        out_channels % multiple != 0)
      return false;
    constexpr bool is_large = Tile::outputs == 4;
    constexpr std::int64_t fewest_tiles = is_large ? 32 : 16, fewest_outputs_of_tile = is_large ? 10 : 3,
                           most_channels_of_tile = 16;
    const auto tiles = Tiles(x).count();
    return tiles >= fewest_tiles * at::get_num_threads() && in_channels <= most_channels_of_tile * tiles &&
           x.size(0) * x.size(2) * x.size(3) >= tiles * fewest_outputs_of_tile;
  }

  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight) {
    context->save_for_backward({x, weight});
    const auto inputs = x.contiguous(at::MemoryFormat::ChannelsLast);
    const auto mixing = transform_weight(weight).transpose(1, 2);
    const Tiles tiles(x);
    auto outputs =
        at::empty({x.size(0), weight.size(0), x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
    for (const auto& block : blocks(tiles, weight)) {
      auto mixed = at::empty({positions, block.size(), weight.size(0)}, x.options());
      at::bmm_out(mixed, transform_inputs(inputs, tiles, block), mixing);
      write_outputs(mixed, outputs, tiles, block);
    }
    return outputs;
  }

  /// With a graph LibTorch's, which has derivatives in turn.
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const bool wants_input = context->needs_input_grad(0), wants_weight = context->needs_input_grad(1);
    if (!at::GradMode::is_enabled()) return backward(saved[0], saved[1], gradients[0], wants_input, wants_weight);
    const auto [of_input, of_weight, of_bias] =
        at::convolution_backward(gradients[0], saved[0], saved[1], {}, {1, 1}, {1, 1}, {1, 1}, /*transposed=*/false,
                                 {0, 0}, /*groups=*/1, {wants_input, wants_weight, false});
    return {of_input, of_weight};
  }

 private:
  static constexpr std::int64_t positions = Tile::inputs * Tile::inputs;
  static constexpr std::int64_t multiple = 16;  ///< Of channels: a cache line.

  /// A lazily negated tensor has other bytes than values.
  static bool is_of_floats(const at::Tensor& tensor) {
    return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && !tensor.is_neg();
  }

  /// How a batch is cut: [B, rows, columns].
  class Tiles {
   public:
    explicit Tiles(const at::Tensor& x)
        : height_(x.size(2)),
          width_(x.size(3)),
          rows_(in_tiles(height_)),
          columns_(in_tiles(width_)),
          count_(x.size(0) * rows_ * columns_) {}

    [[nodiscard]] std::int64_t count() const { return count_; }

    /// The places that a tile's square of pictures with these channels begins at `offset` before its outputs.
    template <std::size_t Size, class Float>
    [[nodiscard]] winograd::Places<Size, Float> places(Float* pictures, Float* outside, std::int64_t channels,
                                                       std::int64_t tile, std::int64_t offset) const {
      const auto picture = pictures + tile / (rows_ * columns_) * height_ * width_ * channels;
      const auto first_row = tile / columns_ % rows_ * size - offset, first_column = tile % columns_ * size - offset;
      winograd::Places<Size, Float> places;
      for (std::size_t i = 0; i < Size * Size; ++i) {
        const auto row = first_row + static_cast<std::int64_t>(i / Size),
                   column = first_column + static_cast<std::int64_t>(i % Size);
        const bool is_inside = row >= 0 && row < height_ && column >= 0 && column < width_;
        places[i / Size][i % Size] = is_inside ? picture + (row * width_ + column) * channels : outside;
      }
      return places;
    }

   private:
    static constexpr std::int64_t size = Tile::outputs;
    static std::int64_t in_tiles(std::int64_t pixels) { return (pixels + size - 1) / size; }

    std::int64_t height_, width_, rows_, columns_, count_;
  };

  /// Tiles that are worked on together, so that what is transformed stays in the processor's cache.
  struct Block {
    std::int64_t begin, end;

    [[nodiscard]] std::int64_t size() const { return end - begin; }
  };

  static std::vector<Block> blocks(const Tiles& tiles, const at::Tensor& weight) {
    constexpr std::int64_t numbers_of_thread = 1 << 18, fewest = 64;
    const auto numbers = numbers_of_thread * at::get_num_threads();
    const auto most = std::max(fewest, numbers / (positions * std::max(weight.size(0), weight.size(1))));
    const auto count = (tiles.count() + most - 1) / most;
    std::vector<Block> blocks;
    for (std::int64_t i = 0; i < count; ++i)
      blocks.push_back({i * tiles.count() / count, (i + 1) * tiles.count() / count});
    return blocks;
  }

  static torch::autograd::variable_list backward(const at::Tensor& x, const at::Tensor& weight,
                                                 const at::Tensor& gradient, bool wants_input, bool wants_weight) {
    const auto inputs = x.contiguous(at::MemoryFormat::ChannelsLast),
               of_outputs = gradient.contiguous(at::MemoryFormat::ChannelsLast).resolve_neg();
    const Tiles tiles(x);
    at::Tensor of_input, of_mixing, mixing;
    if (wants_input) {
      of_input = at::zeros_like(inputs);
      mixing = transform_weight(weight);
    }
    if (wants_weight) of_mixing = at::zeros({positions, weight.size(0), weight.size(1)}, weight.options());
    for (const auto& block : blocks(tiles, weight)) {
      const auto of_mixed = transform_gradients(of_outputs, tiles, block);
      if (wants_weight) of_mixing.baddbmm_(of_mixed.transpose(1, 2), transform_inputs(inputs, tiles, block));
      if (wants_input) add_to_inputs(at::bmm(of_mixed, mixing), of_input, tiles, block);
    }
    return {of_input, wants_weight ? transform_weight_back(of_mixing) : at::Tensor()};
  }

  /// [positions, rows, channels] to be written: positions are a cache line further apart than their size, for at a
  /// power of two all would fall on the same lines of the cache.
  static at::Tensor make_positions(std::int64_t rows, std::int64_t channels, const at::TensorOptions& options) {
    return at::empty({positions, rows * channels + multiple}, options)
        .narrow(1, 0, rows * channels)
        .unflatten(1, {rows, channels});
  }

  template <class Float>
  static winograd::Places<Tile::inputs, Float> places_in(const at::Tensor& transformed, Float* numbers,
                                                         std::int64_t row) {
    return winograd::places_apart<Tile::inputs>(numbers + row * transformed.stride(1), transformed.stride(0));
  }

  template <class Float>
  static winograd::Places<winograd::taps, Float> places_of_taps(Float* weight, std::int64_t channels,
                                                                std::int64_t filter) {
    constexpr std::int64_t num_taps = winograd::taps * winograd::taps;
    return winograd::places_apart<winograd::taps>(weight + filter * num_taps * channels, channels);
  }

  static at::Tensor transform_inputs(const at::Tensor& pictures, const Tiles& tiles, const Block& block) {
    return transform_tiles<Tile::inputs, Tile::transform_inputs>(pictures, tiles, block, /*offset=*/1);
  }

  static at::Tensor transform_gradients(const at::Tensor& pictures, const Tiles& tiles, const Block& block) {
    return transform_tiles<Tile::outputs, Tile::transform_outputs_back>(pictures, tiles, block, /*offset=*/0);
  }

  /// Squares of pictures that begin at `offset` before each tile's outputs: [positions, tiles, channels].
  template <std::size_t Size, winograd::Line<Tile::inputs> (&transform)(const winograd::Line<Size>&)>
  static at::Tensor transform_tiles(const at::Tensor& pictures, const Tiles& tiles, const Block& block,
                                    std::int64_t offset) {
    const auto channels = pictures.size(1);
    const at::Tensor transformed = make_positions(block.size(), channels, pictures.options());
    const auto* from = pictures.const_data_ptr<float>();
    auto* to = transformed.mutable_data_ptr<float>();
    winograd::transform_squares<Size, Tile::inputs, transform>(
        block.size(), channels,
        [&](std::int64_t tile, const float* zeros) {
          return tiles.template places<Size>(from, zeros, channels, block.begin + tile, offset);
        },
        [&](std::int64_t tile, float*) { return places_in(transformed, to, tile); });
    return transformed;
  }

  static void write_outputs(const at::Tensor& mixed, const at::Tensor& pictures, const Tiles& tiles,
                            const Block& block) {
    const auto channels = pictures.size(1);
    const auto* from = mixed.const_data_ptr<float>();
    auto* to = pictures.mutable_data_ptr<float>();
    winograd::transform_squares<Tile::inputs, Tile::outputs, Tile::transform_outputs>(
        block.size(), channels, [&](std::int64_t tile, const float*) { return places_in(mixed, from, tile); },
        [&](std::int64_t tile, float* unused) {
          return tiles.template places<Tile::outputs>(to, unused, channels, block.begin + tile, 0);
        });
  }

  static void add_to_inputs(const at::Tensor& mixed, const at::Tensor& pictures, const Tiles& tiles,
                            const Block& block) {
    const auto channels = pictures.size(1);
    const auto* from = mixed.const_data_ptr<float>();
    auto* to = pictures.mutable_data_ptr<float>();
    winograd::add_squares<Tile::inputs, Tile::inputs, Tile::transform_inputs_back>(
        block.size(), channels, [&](std::int64_t tile, const float*) { return places_in(mixed, from, tile); },
        [&](std::int64_t tile, float* unused) {
          return tiles.template places<Tile::inputs>(to, unused, channels, block.begin + tile, 1);
        });
  }

  /// [positions, out, in]
  static at::Tensor transform_weight(const at::Tensor& weight) {
    const auto channels = weight.size(1);
    const at::Tensor transformed = make_positions(weight.size(0), channels, weight.options());
    const auto* from = weight.const_data_ptr<float>();
    auto* to = transformed.mutable_data_ptr<float>();
    winograd::transform_squares<winograd::taps, Tile::inputs, Tile::transform_taps>(
        weight.size(0), channels,
        [&](std::int64_t filter, const float*) { return places_of_taps(from, channels, filter); },
        [&](std::int64_t filter, float*) { return places_in(transformed, to, filter); });
    return transformed;
  }

  /// [out, in, 3, 3], channels-last as the weight is.
  static at::Tensor transform_weight_back(const at::Tensor& transformed) {
    const auto channels = transformed.size(2);
    const auto weight =
        at::empty({transformed.size(1), channels, 3, 3}, transformed.options(), at::MemoryFormat::ChannelsLast);
    const auto* from = transformed.const_data_ptr<float>();
    auto* to = weight.mutable_data_ptr<float>();
    winograd::transform_squares<Tile::inputs, winograd::taps, Tile::transform_taps_back>(
        weight.size(0), channels,
        [&](std::int64_t filter, const float*) { return places_in(transformed, from, filter); },
        [&](std::int64_t filter, float*) { return places_of_taps(to, channels, filter); });
    return weight;
  }
};

using Winograd4x4 = WinogradConvolution<winograd::Tile4x4>;
using Winograd2x2 = WinogradConvolution<winograd::Tile2x2>;

}  // namespace g2d::encoder::detail
