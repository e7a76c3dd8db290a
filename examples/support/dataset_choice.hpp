// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <g2d/data/any.hpp>
#include <g2d/data/load_in_memory.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/data/streaming.hpp>
#include <g2d/dataset/dataset.hpp>
#include <g2d/dataset/unreadable_samples.hpp>

#include "settings.hpp"

/// A dataset, ready to train on.
struct OpenedDataset {
  g2d::data::Splits<g2d::data::Any> splits;
  g2d::dataset::Target target;
  std::string description;
  std::vector<std::string> warnings;
  bool is_streamed = false;  // read from disk while the model trains
};

/// A dataset that a trainer knows: its recipe, its own options, and how it is opened.
struct DatasetChoice {
  std::string name;
  std::string summary;  // one line
  std::string layout;   // what --data has to hold
  Settings recipe;
  std::function<void(CLI::App&)> add_options = [](CLI::App&) {};
  std::function<OpenedDataset(const Settings&, std::uint64_t seed)> open;
  std::function<void(Settings&)> shrink = [](Settings&) {};  // for --smoke
  bool needs_data = true;
};

/// Samples on disk as what the settings ask for: all in memory on the device, or streamed. To look at them they are
/// streamed, so that one that cannot be read does not hide the others.
[[nodiscard]] inline OpenedDataset make_ready(g2d::dataset::Dataset dataset, const Settings& settings) {
  if (settings.unreadable_samples == "drop") {
    dataset = g2d::dataset::leave_out_unreadable(std::move(dataset), settings.workers);
  }
  const at::Device device(settings.device);
  const bool holds_all = settings.loading == "memory" && !settings.inspect;
  const bool is_streamed = !holds_all || !dataset.splits.train.is_deterministic();
  const auto ready = [&](const g2d::data::Samples& samples) -> g2d::data::Any {
    if (holds_all && samples.is_deterministic()) {
      return g2d::data::load_in_memory(samples, settings.workers).to(device);
    }
    return g2d::data::Streaming(samples, {.num_workers = settings.workers, .pins_memory = device.is_cuda()});
  };
  return {g2d::data::map_splits(ready, dataset.splits), std::move(dataset.target), std::move(dataset.description),
          std::move(dataset.warnings), is_streamed};
}
