// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <concepts>
#include <functional>
#include <string_view>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/parameter.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/readout/authors.hpp>
#include <g2d/readout/auto.hpp>
#include <g2d/readout/concept.hpp>
#include <g2d/readout/exact_split.hpp>
#include <g2d/readout/masked_forward.hpp>
#include <g2d/readout/own_heads.hpp>

namespace g2d::readout {

/// A readout chosen at run time, for students with `fusion::Any`; `Auto` unless another is given.
class Any {
 public:
  Any() : Any(Auto()) {}
  template <class Readout>
    requires(!std::same_as<Readout, Any>) && ReadoutFor<Readout, fusion::Any>
  Any(Readout readout)  // NOLINT(google-explicit-constructor): a policy is an Any
      : read_([readout](const fusion::Any& fusion, ModalitySpan<at::Tensor> features) {
          return readout.unimodal_logits(fusion, features);
        }) {
    if constexpr (requires { readout.parameters(); }) parameters_ = readout.parameters();
  }

  [[nodiscard]] PerModality<at::Tensor> unimodal_logits(const fusion::Any& fusion,
                                                        ModalitySpan<at::Tensor> features) const {
    return read_(fusion, features);
  }
  [[nodiscard]] const Parameters& parameters() const { return parameters_; }

 private:
  std::function<PerModality<at::Tensor>(const fusion::Any&, ModalitySpan<at::Tensor>)> read_;
  Parameters parameters_;
};

inline constexpr std::array<std::string_view, 5> choices{"auto", "exact", "masked", "own-heads", "authors"};

/// The shipped readout of that name. Errors: ConfigError listing the names.
[[nodiscard]] inline Any make(std::string_view name, const FusionShape& shape) {
  if (name == "auto") return Auto{};
  if (name == "exact") return ExactSplit{};
  if (name == "masked") return MaskedForward{};
  if (name == "own-heads") return OwnHeads{shape};
  if (name == "authors") return Authors{};
  throw ConfigError(fmt::format("g2d: readout: expected one of [{}], got \"{}\"", fmt::join(choices, ", "), name));
}

}  // namespace g2d::readout
