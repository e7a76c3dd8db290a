// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/parameter_group.hpp>
#include <g2d/encoder/encoder.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/readout/any.hpp>
#include <g2d/readout/auto.hpp>
#include <g2d/train/detail/encode_present_rows.hpp>
#include <g2d/train/detail/parameter_groups.hpp>
#include <g2d/train/detail/register_parameters.hpp>

namespace g2d {

/// What stands in for the features of a modality that a sample does not have.
enum class AbsentFeatures {
  Zero,     ///< Zeros.
  Mean,     ///< The mean of the batch's samples that have it; zeros when none has.
  Learned,  ///< A trained vector for each modality.
};

struct StudentOptions {
  AbsentFeatures absent_features = AbsentFeatures::Zero;
};

/// The multimodal model: one encoder for each modality, a fusion, and a readout of what each modality says alone.
///
///     h_m = encoder_m(x_m);  z = fusion(h_1, ..., h_M)
///
/// A plain torch::nn::Module: `forward(inputs)` is all that inference needs, and distillation leaves nothing in it.
/// Children: `encoders.<modality>`, `fusion`, `readout` (if it has parameters), `absent` (if learned).
///
/// Use when   M is known at run time; `Student<Fusion, Encoders...>` fixes it at compile time.
/// Shapes     inputs: M inputs [B, ...]; out: logits or values [B, C].
/// Errors     ConfigError when the encoders do not match the fusion's modalities and widths, or two of them share some
///            but not all parameters; ShapeError for another number of inputs than of modalities.
template <fusion::FusionPolicy Fusion, readout::ReadoutFor<Fusion> Readout = readout::Auto>
class BasicStudent : public torch::nn::Module {
 public:
  BasicStudent(Fusion fusion, std::vector<Encoder> encoders, Readout readout = Readout(), StudentOptions options = {})
      : fusion_(std::move(fusion)), encoders_(std::move(encoders)), readout_(std::move(readout)), options_(options) {
    check_widths();
    auto holder = std::make_shared<detail::ParameterHolder>();
    for (std::size_t m = 0; m < encoders_.size(); ++m) holder->register_module(names()[m], encoders_[m].module());
    register_module("encoders", holder);
    detail::register_parameters(*this, "fusion", fusion_.parameters());
    if constexpr (requires { readout_.parameters(); })
      detail::register_parameters(*this, "readout", readout_.parameters());
    if (options_.absent_features == AbsentFeatures::Learned) make_learned_absence();
    detail::check_sharing(encoders_, names());
  }

  [[nodiscard]] const ModalityNames& names() const { return fusion_.shape().names(); }
  [[nodiscard]] std::size_t num_modalities() const { return names().size(); }
  [[nodiscard]] std::int64_t num_outputs() const { return fusion_.shape().num_outputs(); }
  [[nodiscard]] const Fusion& fusion() const { return fusion_; }
  [[nodiscard]] const Readout& readout() const { return readout_; }
  [[nodiscard]] const Encoder& encoder(std::size_t m) const { return encoders_[m]; }
  [[nodiscard]] std::int64_t handed_on_width(std::size_t m) const { return fusion::handed_on_width(fusion_, m); }

  /// Fused output [B, C] of a batch of inputs, one for each modality in declared order. `present`, bool [B, M] or
  /// undefined, tells which modalities a sample has; where one is absent, its input may hold anything.
  [[nodiscard]] at::Tensor forward(ModalitySpan<Input> inputs, const at::Tensor& present = {}) {
    return fuse(encode(inputs, present)).logits;
  }
  /// The same in one line: `student.forward({audio, image})`.
  [[nodiscard]] at::Tensor forward(std::initializer_list<Input> inputs, const at::Tensor& present = {}) {
    return forward(ModalitySpan<Input>(std::data(inputs), inputs.size()), present);
  }

  /// The encoders' features of all modalities, M tensors [B, D_m].
  [[nodiscard]] PerModality<at::Tensor> encode(ModalitySpan<Input> inputs, const at::Tensor& present = {}) const {
    if (inputs.size() != num_modalities()) {
      throw ShapeError(fmt::format("g2d: Student: expected inputs of {} modalities ({}), got {}", num_modalities(),
                                   names().joined(), inputs.size()));
    }
    check_present(present);
    PerModality<at::Tensor> features;
    for (std::size_t m = 0; m < encoders_.size(); ++m) features.push_back(encode(m, inputs[m], present));
    return features;
  }

  /// The features of modality m; `present` is bool [B, M] or undefined. Whatever stands where a sample is absent, NaN
  /// above all, reaches neither the features nor a gradient. An encoder in training mode is run on the samples alone
  /// that have the modality: norm layers take the statistics of these. Where there is one such sample, a norm layer
  /// that takes no statistics of a single value uses its running ones.
  [[nodiscard]] at::Tensor encode(std::size_t m, const Input& input, const at::Tensor& present = {}) const {
    return replace_absent(m, encode_present(m, input, present), present);
  }
  /// The first half of `encode`: features as the encoder gives them. Those of absent samples mean nothing yet.
  [[nodiscard]] at::Tensor encode_present(std::size_t m, const Input& input, const at::Tensor& present = {}) const {
    if (!present.defined()) return run_encoder(m, input);
    const auto has_it = column(present, m);
    const auto& module = *encoders_[m].module();
    // In evaluation mode no sample depends on another, and nobody has to wait to know how many there are.
    if (!detail::is_any_training(module)) return run_encoder(m, without_absent(input, has_it));
    const auto run = [&](const Input& some) { return run_encoder(m, some); };
    const auto features = detail::encode_present_rows(module, input, has_it, run);
    return features.defined() ? features : no_features(m, has_it.size(0));
  }
  /// The second half: puts what stands for an absent sample in the place of its features.
  [[nodiscard]] at::Tensor replace_absent(std::size_t m, const at::Tensor& features, const at::Tensor& present) const {
    return present.defined() ? replace_absent_rows(m, features, column(present, m)) : features;
  }

  /// What stands for the features of an encoder that is not run: zeros [B, D_m].
  [[nodiscard]] at::Tensor no_features(std::size_t m, std::int64_t num_samples) const {
    return at::zeros({num_samples, encoders_[m].feature_width()},
                     this->parameters().front().options().requires_grad(false));
  }

  [[nodiscard]] fusion::Output fuse(ModalitySpan<at::Tensor> features) const { return fusion_.forward(features); }

  /// What each modality says alone, by the student's readout or another one; `features` are the encoders'.
  [[nodiscard]] PerModality<at::Tensor> unimodal_logits(ModalitySpan<at::Tensor> features) const {
    return readout_.unimodal_logits(fusion_, features);
  }
  template <readout::ReadoutFor<Fusion> Other>
  [[nodiscard]] PerModality<at::Tensor> unimodal_logits(ModalitySpan<at::Tensor> features, const Other& other) const {
    return other.unimodal_logits(fusion_, features);
  }

  /// One group for each encoder (one for all modalities that share it), each head, and the rest.
  [[nodiscard]] std::vector<ParameterGroup> parameter_groups() const {
    auto groups = detail::encoder_groups(encoders_, names());
    detail::append_policy_groups(groups, "fusion", fusion_.parameters(), names());
    if constexpr (requires { readout_.parameters(); }) {
      detail::append_policy_groups(groups, "readout", readout_.parameters(), names());
    }
    if (!absent_.empty())
      groups.push_back({"absent", ParameterGroup::Role::Shared, {}, {absent_.begin(), absent_.end()}, 1.0});
    return groups;
  }

 private:
  /// LibTorch's own complaint about an input, with the modality's name in front.
  [[nodiscard]] at::Tensor run_encoder(std::size_t m, const Input& input) const {
    at::Tensor features;
    try {
      features = encoders_[m](input);
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const c10::Error& error) {
      throw ShapeError(fmt::format("g2d: Student: modality \"{}\": the encoder cannot take an input of shape {}: {}",
                                   names()[m], to_string(input.values.sizes()), error.what_without_backtrace()));
    }
    check_matrix(features, input.values.size(0), encoders_[m].feature_width(),
                 [&] { return fmt::format("Student: modality \"{}\": features", names()[m]); });
    return features;
  }

  void check_present(const at::Tensor& present) const {
    const bool fits = !present.defined() || (present.scalar_type() == at::kBool && present.dim() == 2 &&
                                             present.size(1) == static_cast<std::int64_t>(num_modalities()));
    if (!fits) {
      throw ShapeError(fmt::format("g2d: Student: expected `present` as bool [B, {}], got {} {}", num_modalities(),
                                   c10::toString(present.scalar_type()), to_string(present.sizes())));
    }
  }

  void check_widths() const {
    const auto& shape = fusion_.shape();
    if (encoders_.size() != shape.num_modalities()) {
      throw ConfigError(fmt::format("g2d: Student: expected {} encoders ({}), got {}", shape.num_modalities(),
                                    shape.names().joined(), encoders_.size()));
    }
    for (std::size_t m = 0; m < encoders_.size(); ++m) {
      if (encoders_[m].feature_width() != shape.feature_width(m)) {
        throw ConfigError(fmt::format(
            "g2d: Student: modality \"{}\": expected an encoder of feature width {} as the fusion's, got {}",
            shape.names()[m], shape.feature_width(m), encoders_[m].feature_width()));
      }
    }
  }

  void make_learned_absence() {
    auto holder = std::make_shared<detail::ParameterHolder>();
    for (std::size_t m = 0; m < encoders_.size(); ++m) {
      absent_.push_back(holder->register_parameter(names()[m], at::zeros({encoders_[m].feature_width()})));
    }
    register_module("absent", holder);
  }

  [[nodiscard]] static at::Tensor column(const at::Tensor& present, std::size_t m) {
    return present.select(1, static_cast<std::int64_t>(m));
  }

  [[nodiscard]] at::Tensor replace_absent_rows(std::size_t m, const at::Tensor& features,
                                               const at::Tensor& present) const {
    const auto rows = present.unsqueeze(1);
    switch (options_.absent_features) {
      case AbsentFeatures::Learned:
        return at::where(rows, features, absent_[m].to(features.scalar_type()));
      case AbsentFeatures::Mean: {
        const auto kept = at::where(rows, features, features.new_zeros({}));
        return at::where(rows, features, kept.sum(0).div(present.sum().clamp_min(1)));
      }
      case AbsentFeatures::Zero:
        break;
    }
    return at::where(rows, features, features.new_zeros({}));
  }

  Fusion fusion_;
  std::vector<Encoder> encoders_;
  Readout readout_;
  StudentOptions options_;
  PerModality<at::Tensor> absent_;
};

/// A student whose fusion, readout and number of modalities are chosen at run time.
using AnyStudent = BasicStudent<fusion::Any, readout::Any>;

/// A student with M = sizeof...(Encoders) modalities, known at compile time.
///
///     Student<fusion::Late, AudioEncoder, ImageEncoder> student({"audio", "image"}, num_classes, audio, image);
///
/// Errors     a fusion that needs more modalities does not compile; otherwise as BasicStudent.
template <fusion::FusionPolicy Fusion, class... Encoders>
class Student : public BasicStudent<Fusion> {
 public:
  static constexpr std::size_t static_modalities = sizeof...(Encoders);
  static_assert(static_modalities >= fusion::min_modalities_v<Fusion>,
                "g2d: Student: this fusion joins more modalities than there are encoders; Film, Gated and "
                "CrossExcitation need two");

  Student(ModalityNames names, std::int64_t num_outputs, std::shared_ptr<Encoders>... encoders)
      : Student(std::move(names), num_outputs, std::vector<Encoder>{Encoder(encoders)...}) {}

  /// The module of one modality, in its own type.
  template <std::size_t modality>
  [[nodiscard]] auto& encoder_module() const {
    using Selected = std::tuple_element_t<modality, std::tuple<Encoders...>>;
    return static_cast<Selected&>(*this->encoder(modality).module());
  }

 private:
  Student(ModalityNames names, std::int64_t num_outputs, std::vector<Encoder> encoders)
      : BasicStudent<Fusion>(Fusion(FusionShape(std::move(names), widths(encoders), num_outputs)), encoders) {}

  static std::vector<std::int64_t> widths(const std::vector<Encoder>& encoders) {
    std::vector<std::int64_t> widths;
    for (const auto& encoder : encoders) widths.push_back(encoder.feature_width());
    return widths;
  }
};

}  // namespace g2d
