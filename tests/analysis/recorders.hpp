// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/data/in_memory.hpp>

#include "support/random_case.hpp"
#include "support/students.hpp"

/// Students that keep what they are shown, and samples for them.
namespace g2d_test {

/// Keeps what it was given, and gives it back flat, shifted by one: an input of zeros makes features of ones.
struct Recorder : torch::nn::Module {
  explicit Recorder(std::int64_t width_) : shift(register_parameter("shift", torch::ones({width_}))), width(width_) {}

  at::Tensor forward(const at::Tensor& x) {
    seen.push_back(x);
    return x.flatten(1) + shift;
  }
  [[nodiscard]] std::int64_t feature_width() const { return width; }
  [[nodiscard]] at::Tensor all() const { return torch::cat(seen); }

  std::vector<at::Tensor> seen;
  at::Tensor shift;
  std::int64_t width;
};

/// The same for sequences [B, T, D]: gives the mean over the valid steps, shifted by the length.
struct SequenceRecorder : torch::nn::Module {
  explicit SequenceRecorder(std::int64_t width_)
      : shift(register_parameter("shift", torch::ones({width_}))), width(width_) {}

  at::Tensor forward(const at::Tensor& x, const at::Tensor& lengths) {
    seen.push_back(x);
    return x.sum(1) / lengths.unsqueeze(1) + shift * lengths.unsqueeze(1);
  }
  [[nodiscard]] std::int64_t feature_width() const { return width; }

  std::vector<at::Tensor> seen;
  at::Tensor shift;
  std::int64_t width;
};

template <class Module>
Module& module_of(const g2d::AnyStudent& student, std::size_t m) {
  return dynamic_cast<Module&>(*student.encoder(m).module());
}

inline std::shared_ptr<g2d::AnyStudent> recorder_student(std::size_t num_modalities, std::int64_t width = 4) {
  torch::manual_seed(0);
  std::vector<g2d::Encoder> encoders;
  for (std::size_t m = 0; m < num_modalities; ++m) encoders.emplace_back(std::make_shared<Recorder>(width));
  return make_student(std::move(encoders), 3);
}

inline g2d::data::InMemory samples(std::int64_t count, std::size_t num_modalities, at::IntArrayRef shape = {4},
                                   at::Tensor present = {}) {
  Random random(5, at::kFloat);
  g2d::PerModality<g2d::Input> inputs;
  std::vector<std::int64_t> sizes{count};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  for (std::size_t m = 0; m < num_modalities; ++m) inputs.emplace_back(random.normal(sizes) * 3.0 + 1.0);
  return g2d::data::InMemory(names(num_modalities), std::move(inputs), random.labels(count, 3),
                             torch::arange(count) * 7 + 100, std::move(present));
}

/// The same samples without ids.
struct WithoutIds {
  const g2d::data::InMemory& samples;

  [[nodiscard]] const g2d::ModalityNames& names() const { return samples.names(); }
  [[nodiscard]] std::int64_t size() const { return samples.size(); }
  [[nodiscard]] bool is_deterministic() const { return true; }
  [[nodiscard]] std::string fingerprint() const { return samples.fingerprint(); }
  [[nodiscard]] g2d::Batch batch(const at::Tensor& rows) const {
    auto batch = samples.batch(rows);
    batch.sample_ids = at::Tensor();
    return batch;
  }
};

}  // namespace g2d_test
