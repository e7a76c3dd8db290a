// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/fusion/fusion_shape.hpp>

namespace g2d::fusion {

/// What a training method says to the gates of a `CrossExcitation`, and hears from them. Copies share one state, so
/// that a method keeps one of the fusion's.
///
/// A method arms it before a forward pass. That pass, and no other, replaces the gates of curated modalities and leaves
/// the computed ones to be read: readouts, evaluation and inference see a plain fusion.
///
///     gate.arm({{is_curated, mean_gate}, {}});   // modality 0 maybe, modality 1 not
///     ...                                        // the forward pass of the step
///     mean_gate = (1 - k) mean_gate + k gate.recorded()[0].mean(0);
///
/// Shapes     is_curated: bool, 0-dim, so that it is decided on the device; mean_gate [D_m]; recorded M tensors [B,
///            D_m].
/// Errors     ConfigError for another number of modalities; ShapeError naming the modality.
class ExcitationGate {
 public:
  struct Curation {
    at::Tensor is_curated = {};  ///< Undefined: no.
    /// What then stands for the gate; it has no gradient for the layers that compute gates.
    at::Tensor mean_gate = {};
  };

  explicit ExcitationGate(const FusionShape& shape) : state_(std::make_shared<State>(shape)) {}

  /// For the next forward pass; one entry for each modality.
  void arm(PerModality<Curation> curations) {
    check(curations);
    state_->curations = std::move(curations);
    state_->is_armed = true;
  }
  /// For a pass that did not come about.
  void disarm() { state_->is_armed = false; }

  /// The gates as the last armed forward pass computed them, detached; none before.
  [[nodiscard]] const PerModality<at::Tensor>& recorded() const { return state_->recorded; }

  /// Called by the fusion: the gates that count.
  [[nodiscard]] PerModality<at::Tensor> pass(PerModality<at::Tensor> gates) const {
    if (!state_->is_armed) return gates;
    state_->is_armed = false;
    state_->recorded.clear();
    for (std::size_t m = 0; m < gates.size(); ++m) {
      state_->recorded.push_back(gates[m].detach());
      const auto& curation = state_->curations[m];
      if (curation.is_curated.defined()) gates[m] = at::where(curation.is_curated, curation.mean_gate, gates[m]);
    }
    return gates;
  }

 private:
  struct State {
    explicit State(const FusionShape& fusion_shape) : shape(fusion_shape) {}

    FusionShape shape;
    bool is_armed = false;
    PerModality<Curation> curations;
    PerModality<at::Tensor> recorded;
  };

  void check(const PerModality<Curation>& curations) const {
    const auto& shape = state_->shape;
    if (curations.size() != shape.num_modalities()) {
      throw ConfigError(fmt::format("g2d: fusion::ExcitationGate: expected curations of {} modalities ({}), got {}",
                                    shape.num_modalities(), shape.names().joined(), curations.size()));
    }
    for (std::size_t m = 0; m < curations.size(); ++m) {
      const auto& [is_curated, mean_gate] = curations[m];
      if (!is_curated.defined()) continue;
      if (is_curated.dim() != 0 || is_curated.scalar_type() != at::kBool) {
        throw ShapeError(
            fmt::format("g2d: fusion::ExcitationGate: modality \"{}\": expected is_curated bool [], got {} {}",
                        shape.names()[m], at::toString(is_curated.scalar_type()), to_string(is_curated.sizes())));
      }
      if (!mean_gate.defined() || mean_gate.dim() != 1 || mean_gate.size(0) != shape.feature_width(m)) {
        throw ShapeError(fmt::format("g2d: fusion::ExcitationGate: modality \"{}\": expected mean_gate [{}], got {}",
                                     shape.names()[m], shape.feature_width(m),
                                     mean_gate.defined() ? to_string(mean_gate.sizes()) : std::string("no tensor")));
      }
    }
  }

  std::shared_ptr<State> state_;
};

}  // namespace g2d::fusion
