// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/encoder/encoder.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/initialization/authors_code.hpp>
#include <g2d/readout/any.hpp>
#include <g2d/recipe/recipe.hpp>
#include <g2d/train/student.hpp>
#include <g2d/train/train_teacher.hpp>

namespace g2d::recipe {

/// The student of both recipes: a ResNet-18 for each modality, with `in_channels[m]` input channels.
///
/// Draws      as the authors' code does: fusion, then encoders in declared order, then all of them again by
///            `initialization::AuthorsCode`. One seed gives the weights of their Python.
/// Errors     ConfigError when in_channels do not match the names; for an unknown fusion or readout, listing the names.
[[nodiscard]] inline std::shared_ptr<AnyStudent> make_student(const Recipe& recipe, const ModalityNames& names,
                                                              const std::vector<std::int64_t>& in_channels,
                                                              std::int64_t num_outputs) {
  if (in_channels.size() != names.size()) {
    throw ConfigError(fmt::format("g2d: recipe::make_student: expected in_channels of {} modalities ({}), got {}",
                                  names.size(), names.joined(), in_channels.size()));
  }
  constexpr std::int64_t feature_width = 512;
  const FusionShape shape(names, std::vector<std::int64_t>(names.size(), feature_width), num_outputs);
  auto fusion = fusion::make(recipe.fusion, shape);
  std::vector<Encoder> encoders;
  for (const auto channels : in_channels) {
    encoders.emplace_back(std::make_shared<encoder::ResNet18>(encoder::ResNet18Options{.in_channels = channels}));
  }
  const initialization::AuthorsCode initialize;
  initialize(fusion.parameters());
  for (const auto& each : encoders) initialize(*each.module());
  auto readout = readout::make(recipe.readout, shape);
  return std::make_shared<AnyStudent>(std::move(fusion), std::move(encoders), std::move(readout));
}

/// The teacher of one modality, to train or to load: a ResNet-18 and a linear layer.
///
/// Draws      as the authors' code does: encoder, linear layer, then both again by `initialization::AuthorsCode`.
[[nodiscard]] inline std::shared_ptr<UnimodalModel> make_teacher(const std::string& modality, std::int64_t in_channels,
                                                                 std::int64_t num_outputs) {
  const auto encoder = std::make_shared<encoder::ResNet18>(encoder::ResNet18Options{.in_channels = in_channels});
  auto teacher = make_unimodal_model(modality, encoder, num_outputs);
  const initialization::AuthorsCode initialize;
  initialize(*encoder);
  initialize(teacher->fusion().parameters());
  return teacher;
}

}  // namespace g2d::recipe
