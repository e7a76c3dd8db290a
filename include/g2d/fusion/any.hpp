// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/fusion/boosted.hpp>
#include <g2d/fusion/concat.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/cosine.hpp>
#include <g2d/fusion/cross_excitation.hpp>
#include <g2d/fusion/energy_weighted.hpp>
#include <g2d/fusion/film.hpp>
#include <g2d/fusion/gated.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/fusion/shared_head.hpp>
#include <g2d/fusion/sum.hpp>

namespace g2d::fusion {

/// A fusion chosen at run time: holds any FusionPolicy, shipped or the user's own.
///
/// Use when   a command line or a table of experiments picks the fusion. One virtual call a step.
/// Errors     those of the fusion held; ConfigError when it has no exact split, or no formula of the authors.
class Any {
 public:
  template <class Fusion>
    requires(!std::same_as<Fusion, Any>) && FusionPolicy<Fusion>
  Any(Fusion fusion)  // NOLINT(google-explicit-constructor): a policy is an Any
      : held_(std::make_shared<Model<Fusion>>(std::move(fusion))) {}

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const { return held_->forward(features); }
  [[nodiscard]] PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const {
    return held_->split_logits(features);
  }
  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    return held_->authors_logits(features);
  }
  [[nodiscard]] Parameters parameters() const { return held_->parameters(); }
  [[nodiscard]] const FusionShape& shape() const { return held_->shape(); }
  [[nodiscard]] std::int64_t handed_on_width(std::size_t m) const { return held_->width(m); }
  [[nodiscard]] bool splits() const { return held_->splits(); }
  [[nodiscard]] bool averages_heads() const { return held_->averages_heads(); }

  /// The fusion held, if it is one of this type; null otherwise.
  template <FusionPolicy Fusion>
  [[nodiscard]] const Fusion* get_if() const {
    const auto* model = dynamic_cast<const Model<Fusion>*>(held_.get());
    return model == nullptr ? nullptr : &model->fusion;
  }

 private:
  struct Interface {
    Interface() = default;
    Interface(const Interface&) = delete;
    Interface& operator=(const Interface&) = delete;
    virtual ~Interface() = default;
    virtual Output forward(ModalitySpan<at::Tensor> features) const = 0;
    virtual PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const = 0;
    virtual PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const = 0;
    virtual Parameters parameters() const = 0;
    virtual const FusionShape& shape() const = 0;
    virtual std::int64_t width(std::size_t m) const = 0;
    virtual bool splits() const = 0;
    virtual bool averages_heads() const = 0;
  };

  template <FusionPolicy Fusion>
  struct Model final : Interface {
    explicit Model(Fusion fusion_) : fusion(std::move(fusion_)) {}

    Output forward(ModalitySpan<at::Tensor> features) const override { return fusion.forward(features); }
    PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const override {
      if constexpr (SplitsByModality<Fusion>) {
        return fusion.split_logits(features);
      } else {
        throw ConfigError(
            "g2d: readout::ExactSplit: this fusion's output is no sum of one part for each modality; choose the "
            "readout "
            "masked or own-heads");
      }
    }
    PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const override {
      if constexpr (HasAuthorsReadout<Fusion>) {
        return fusion.authors_logits(features);
      } else {
        throw ConfigError(
            "g2d: readout::Authors: the authors have no formula for this fusion; choose the readout masked");
      }
    }
    Parameters parameters() const override { return fusion.parameters(); }
    const FusionShape& shape() const override { return fusion.shape(); }
    std::int64_t width(std::size_t m) const override { return fusion::handed_on_width(fusion, m); }
    bool splits() const override { return SplitsByModality<Fusion>; }
    bool averages_heads() const override { return fusion::averages_heads(fusion); }

    Fusion fusion;
  };

  std::shared_ptr<const Interface> held_;
};

static_assert(FusionPolicy<Any>);

inline constexpr std::array<std::string_view, 10> choices{
    "sum",         "concat",          "film",    "gated",           "late", "cosine",
    "shared-head", "energy-weighted", "boosted", "cross-excitation"};

/// The shipped fusion of that name; `conditioning` is for film and gated. Errors: ConfigError listing the names.
[[nodiscard]] inline Any make(std::string_view name, FusionShape shape, const std::string& conditioning = {}) {
  if (name == "sum") return Sum(std::move(shape));
  if (name == "concat") return Concat(std::move(shape));
  if (name == "film") return Film(std::move(shape), {.conditioning = conditioning});
  if (name == "gated") return Gated(std::move(shape), {.conditioning = conditioning});
  if (name == "late") return Late(std::move(shape));
  if (name == "cosine") return Cosine(std::move(shape));
  if (name == "shared-head") return SharedHead(std::move(shape));
  if (name == "energy-weighted") return EnergyWeighted(std::move(shape));
  if (name == "boosted") return Boosted(std::move(shape));
  if (name == "cross-excitation") return CrossExcitation(std::move(shape));
  throw ConfigError(fmt::format("g2d: fusion: expected one of [{}], got \"{}\"", fmt::join(choices, ", "), name));
}

}  // namespace g2d::fusion
