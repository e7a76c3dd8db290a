// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/input.hpp>
#include <g2d/encoder/concept.hpp>
#include <g2d/encoder/detail/autocast_scope.hpp>
#include <g2d/encoder/precision.hpp>

namespace g2d {

struct EncoderOptions {
  std::int64_t feature_width = 0;     ///< D_m; 0: asked of the module's `feature_width()`.
  double learning_rate_factor = 1.0;  ///< Multiplies the optimizer's learning rate for this encoder; > 0.
  Precision precision = Precision::Full;
};

/// Any torch::nn::Module that turns an input [B, ...] into features [B, D]: `forward(values)`, or `forward(values,
/// lengths)` for sequences. Copies share the module, so that one encoder can serve several modalities.
///
/// Cost       one indirect call a batch.
/// Errors     ConfigError when there is no module, the width is neither given nor known, or a factor is not positive;
///            ShapeError when lengths come to a module that takes none, or are missing for one that needs them.
class Encoder {
 public:
  template <class Module>
    requires std::derived_from<Module, torch::nn::Module>
  Encoder(std::shared_ptr<Module> module, EncoderOptions options = {})  // NOLINT(google-explicit-constructor)
      : module_(module), options_(options) {
    static_assert(encoder::detail::EncodesValues<Module> || encoder::detail::EncodesSequences<Module>,
                  "g2d: an encoder needs at::Tensor forward(const at::Tensor& values), or forward(values, lengths)");
    if (!module_) throw ConfigError("g2d: Encoder: expected a module, got none");
    if constexpr (encoder::detail::KnowsItsFeatureWidth<Module>) {
      if (options_.feature_width == 0) options_.feature_width = module->feature_width();
    }
    forward_ = [raw = module.get()](const Input& input) { return encode(*raw, input); };
    check();
  }

  template <class Module>
  Encoder(torch::nn::ModuleHolder<Module> holder, EncoderOptions options = {})  // NOLINT(google-explicit-constructor)
      : Encoder(holder.ptr(), options) {}

  [[nodiscard]] at::Tensor operator()(const Input& input) const {
    if (options_.precision == Precision::Full) return forward_(input);
    const auto& values = input.values;
    const encoder::detail::AutocastScope autocast(values.device().type(), options_.precision);
    return forward_(input).to(values.is_floating_point() ? values.scalar_type() : at::kFloat);
  }

  [[nodiscard]] const std::shared_ptr<torch::nn::Module>& module() const { return module_; }
  [[nodiscard]] std::int64_t feature_width() const { return options_.feature_width; }
  [[nodiscard]] Precision precision() const { return options_.precision; }
  [[nodiscard]] double learning_rate_factor() const { return options_.learning_rate_factor; }

 private:
  template <class Module>
  static at::Tensor encode(Module& module, const Input& input) {
    if constexpr (encoder::detail::EncodesSequences<Module>) {
      if (input.lengths.defined()) return module.forward(input.values, input.lengths);
    } else if (input.lengths.defined()) {
      throw ShapeError(
          "g2d: Encoder: expected an input without lengths, for this encoder has no forward(values, lengths)");
    }
    if constexpr (encoder::detail::EncodesValues<Module>) {
      return module.forward(input.values);
    } else {
      throw ShapeError(
          "g2d: Encoder: expected an input with lengths, for this encoder has only forward(values, lengths)");
    }
  }

  void check() const {
    if (options_.feature_width < 1) {
      throw ConfigError(
          "g2d: Encoder: expected the feature width, for the module has no feature_width(); give {.feature_width = D}");
    }
    if (!(options_.learning_rate_factor > 0.0)) {
      throw ConfigError(
          fmt::format("g2d: Encoder: expected learning_rate_factor > 0, got {}; freeze with requires_grad",
                      options_.learning_rate_factor));
    }
  }

  std::shared_ptr<torch::nn::Module> module_;
  EncoderOptions options_;
  std::function<at::Tensor(const Input&)> forward_;
};

}  // namespace g2d
