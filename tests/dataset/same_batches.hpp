// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <g2d/data/batch_order.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/data/load_in_memory.hpp>
#include <g2d/data/streaming.hpp>
#include <g2d/dataset/dataset.hpp>

#include "support/catch.hpp"

namespace g2d_test {

inline bool equal_or_both_undefined(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || torch::equal(a, b));
}

/// Padding may be longer where more samples are in memory.
inline bool same_input(const g2d::Input& a, const g2d::Input& b) {
  if (!a.lengths.defined()) return !b.lengths.defined() && torch::equal(a.values, b.values);
  const auto longest = std::max<std::int64_t>(1, a.lengths.max().item<std::int64_t>());
  return torch::equal(a.lengths, b.lengths) &&
         torch::equal(a.values.narrow(1, 0, longest), b.values.narrow(1, 0, longest));
}

inline bool same_batch(const g2d::Batch& a, const g2d::Batch& b) {
  bool same = a.inputs.size() == b.inputs.size() && torch::equal(a.target, b.target) &&
              torch::equal(a.sample_ids, b.sample_ids) && equal_or_both_undefined(a.present, b.present);
  for (std::size_t m = 0; same && m < a.inputs.size(); ++m) same = same_input(a.inputs[m], b.inputs[m]);
  return same;
}

/// Streams with any number of workers, and twice, to the same batches; loads into memory where nothing is random.
inline void check_split(const g2d::data::Samples& samples) {
  using g2d::data::Streaming;
  std::optional<g2d::data::InMemory> in_memory;
  if (samples.is_deterministic()) in_memory = g2d::data::load_in_memory(samples);
  for (const std::int64_t epoch : {0, 3}) {
    const auto batches = g2d::data::shuffled_batches(samples.size(), 3, 7, epoch);
    const Streaming none(samples, {.num_workers = 0});
    const Streaming three(samples, {.num_workers = 3});
    auto expected = none.stream(batches, epoch);
    auto streamed = three.stream(batches, epoch);
    for (const auto& rows : batches) {
      const auto batch = expected.next();
      g2d::check_batch(batch, samples.names());
      CHECK(same_batch(batch, streamed.next()));
      if (in_memory) CHECK(same_batch(batch, in_memory->batch(rows)));
    }
  }
}

/// What every loader promises: `read()` twice gives the same, splits are disjoint, batches are reproducible.
template <class Read>
void check_loader(const Read& read) {
  const g2d::dataset::Dataset first = read();
  const g2d::dataset::Dataset second = read();
  INFO(first.name);
  CHECK_FALSE(first.description.empty());
  CHECK(first.description == second.description);
  CHECK(first.target.names.size() == static_cast<std::size_t>(first.target.num_outputs));
  CHECK(first.splits.validation.is_deterministic());
  CHECK(first.splits.test.is_deterministic());
  std::set<std::int64_t> ids;
  std::size_t count = 0;
  const auto check = [&](const g2d::data::Samples& samples, const g2d::data::Samples& again) {
    CHECK(samples.fingerprint() == again.fingerprint());
    CHECK(samples.names() == first.splits.train.names());
    for (std::int64_t row = 0; row < samples.size(); ++row) ids.insert(samples.sample_ids()[row].item<std::int64_t>());
    count += static_cast<std::size_t>(samples.size());
    check_split(samples);
  };
  check(first.splits.train, second.splits.train);
  check(first.splits.validation, second.splits.validation);
  check(first.splits.test, second.splits.test);
  CHECK(ids.size() == count);
}

/// The names of a split's samples, in order.
inline std::vector<std::string> names_of(const g2d::data::Samples& samples) {
  std::vector<std::string> names;
  for (std::int64_t row = 0; row < samples.size(); ++row) names.push_back(samples.sample_name(row));
  return names;
}

}  // namespace g2d_test
