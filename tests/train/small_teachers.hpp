// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/method/g2d.hpp>
#include <g2d/teacher/teachers.hpp>
#include <g2d/train/train_teacher.hpp>

#include "train/small_problem.hpp"

namespace g2d_test {

inline std::shared_ptr<g2d::UnimodalModel> unimodal(const std::string& modality,
                                                    std::int64_t num_outputs = num_classes) {
  return g2d::make_unimodal_model(modality, std::make_shared<NormDropout>(input_width), num_outputs);
}

/// A teacher for each modality whose norm statistics are not those of a new layer.
inline g2d::Teachers make_teachers(std::uint64_t seed = 1, std::size_t num_modalities = 2) {
  torch::manual_seed(seed);
  std::vector<g2d::Teacher> teachers;
  for (const auto& modality : names(num_modalities)) {
    const auto model = unimodal(modality);
    (void)model->forward(std::vector<g2d::Input>{torch::randn({16, input_width})});
    teachers.push_back(g2d::Teacher::of(model));
  }
  return {names(num_modalities), std::move(teachers)};
}

inline g2d::method::Any g2d_method() { return g2d::method::G2d<g2d::task::Classification>(); }

}  // namespace g2d_test
