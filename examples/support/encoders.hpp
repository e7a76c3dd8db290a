// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/encoder/encoder.hpp>
#include <g2d/encoder/gru.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/encoder/small_cnn.hpp>
#include <g2d/encoder/transformer.hpp>

#include "settings.hpp"

inline constexpr std::array<std::string_view, 6> encoder_choices{"auto", "small-cnn", "resnet18",
                                                                 "mlp",  "gru",       "transformer"};

/// Makes the encoders that the settings name for modalities whose samples have known shapes.
class EncoderFactory {
 public:
  EncoderFactory(const Settings& settings, g2d::ModalityNames names, std::vector<std::vector<std::int64_t>> shapes)
      : settings_(settings), names_(std::move(names)), shapes_(std::move(shapes)) {
    const auto given = settings_.encoders.size();
    if (given != 1 && given != names_.size()) {
      throw g2d::ConfigError(fmt::format("--encoders: expected one for all modalities or one for each of ({}), got {}",
                                         names_.joined(), fmt::join(settings_.encoders, " ")));
    }
    for (const auto& name : settings_.shared_encoder) (void)names_.index_of(name);
  }

  [[nodiscard]] const g2d::ModalityNames& names() const { return names_; }
  [[nodiscard]] const std::vector<std::int64_t>& shape(std::size_t m) const { return shapes_[m]; }
  /// Its name; "auto" is a transformer for sequences, an MLP for rows of numbers, ResNet-18 for videos and for images
  /// of more than 96 pixels, a small CNN for smaller ones.
  [[nodiscard]] std::string choice(std::size_t m) const {
    const auto& given = settings_.encoders[settings_.encoders.size() == 1 ? 0 : m];
    if (given != "auto") return given;
    const auto& shape = shapes_[m];
    if (shape.size() < 3) return shape.size() == 2 ? "transformer" : "mlp";
    constexpr std::int64_t largest_small = 96;
    return shape.size() == 4 || shape[1] > largest_small ? "resnet18" : "small-cnn";
  }

  [[nodiscard]] bool is_shared(std::size_t m) const {
    const auto& sharing = settings_.shared_encoder;
    return std::find(sharing.begin(), sharing.end(), names_[m]) != sharing.end();
  }

  [[nodiscard]] g2d::Encoder make(std::size_t m) const {
    using namespace g2d::encoder;
    const auto name = choice(m);
    const auto width = input_width(m);
    if (name == "mlp") {
      MlpOptions options{.in_features = width, .hidden = {64}};
      options.feature_width = feature_width_or(options.feature_width);
      return wrap(std::make_shared<Mlp>(options));
    }
    if (name == "gru") {
      GruOptions options{.in_features = width};
      options.hidden = feature_width_or(options.hidden);
      return wrap(std::make_shared<Gru>(options));
    }
    if (name == "transformer") {
      TransformerOptions options{.in_features = width};
      options.width = feature_width_or(options.width);
      return wrap(std::make_shared<Transformer>(options));
    }
    if (name == "resnet18") {
      constexpr std::int64_t own_width = 512;
      if (feature_width_or(own_width) != own_width) {
        throw g2d::ConfigError(
            fmt::format("--feature-width: modality \"{}\": expected 512, the width of resnet18, got {}", names_[m],
                        settings_.feature_width));
      }
      return wrap(std::make_shared<ResNet18>(ResNet18Options{.in_channels = width}));
    }
    SmallCnnOptions options{.in_channels = width};
    options.feature_width = feature_width_or(options.feature_width);
    return wrap(std::make_shared<SmallCnn>(options));
  }

  /// One for each modality; those that share one get copies of a handle.
  [[nodiscard]] std::vector<g2d::Encoder> make_all() const {
    std::vector<g2d::Encoder> encoders;
    std::optional<std::size_t> owner;
    for (std::size_t m = 0; m < names_.size(); ++m) {
      if (is_shared(m) && owner) expect_alike(*owner, m);
      encoders.push_back(is_shared(m) && owner ? encoders[*owner] : make(m));
      if (is_shared(m) && !owner) owner = m;
    }
    return encoders;
  }

 private:
  [[nodiscard]] std::int64_t feature_width_or(std::int64_t own) const {
    return settings_.feature_width > 0 ? settings_.feature_width : own;
  }

  /// Channels of images, values of a step or of a row. Errors: ConfigError when the encoder takes other samples.
  [[nodiscard]] std::int64_t input_width(std::size_t m) const {
    const auto& shape = shapes_[m];
    const auto name = choice(m);
    if (name == "mlp") return c10::multiply_integers(shape);
    if (name == "gru" || name == "transformer") {
      expect(m, shape.size() == 2, "sequences [T, D]");
      return shape[1];
    }
    if (name == "resnet18") {
      expect(m, shape.size() == 3 || shape.size() == 4, "images [C, H, W] or frames [C, T, H, W]");
    } else {
      expect(m, shape.size() == 3, "images [C, H, W]");
    }
    return shape[0];
  }

  template <class Module>
  [[nodiscard]] g2d::Encoder wrap(std::shared_ptr<Module> module) const {
    const auto precision = settings_.precision == "bfloat16"  ? g2d::Precision::BFloat16
                           : settings_.precision == "float16" ? g2d::Precision::Float16
                                                              : g2d::Precision::Full;
    return {std::move(module), g2d::EncoderOptions{.precision = precision}};
  }

  void expect(std::size_t m, bool fits, std::string_view expected) const {
    if (fits) return;
    throw g2d::ConfigError(fmt::format("--encoders: modality \"{}\": {} takes {}, and its samples are {}", names_[m],
                                       choice(m), expected, g2d::to_string(shapes_[m])));
  }

  void expect_alike(std::size_t a, std::size_t b) const {
    if (choice(a) == choice(b) && input_width(a) == input_width(b)) return;
    throw g2d::ConfigError(fmt::format(
        "--shared-encoder: expected modalities of one kind, got \"{}\" {} for {} and \"{}\" {} for {}", names_[a],
        g2d::to_string(shapes_[a]), choice(a), names_[b], g2d::to_string(shapes_[b]), choice(b)));
  }

  const Settings& settings_;
  g2d::ModalityNames names_;
  std::vector<std::vector<std::int64_t>> shapes_;
};
