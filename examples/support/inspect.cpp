// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "inspect.hpp"

#include <ATen/core/Tensor.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <g2d/core/print.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/io/write_png.hpp>

#include "contact_sheet.hpp"

namespace {

constexpr std::int64_t most_samples = 512;

/// What is known of one modality after some samples.
struct Range {
  std::set<std::vector<std::int64_t>> shapes;
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double sum = 0.0;
  double sum_of_squares = 0.0;
  double count = 0.0;
  std::int64_t absent = 0;

  void add(const at::Tensor& sample) {
    shapes.insert(sample.sizes().vec());
    const auto values = sample.to(at::kDouble);
    low = std::min(low, values.min().item<double>());
    high = std::max(high, values.max().item<double>());
    sum += values.sum().item<double>();
    sum_of_squares += values.square().sum().item<double>();
    count += static_cast<double>(values.numel());
  }

  [[nodiscard]] std::string str() const {
    if (count == 0.0) return "no sample has it";
    const double mean = sum / count;
    const double deviation = std::sqrt(std::max(0.0, sum_of_squares / count - mean * mean));
    const auto absences = absent > 0 ? fmt::format(", absent in {}", absent) : std::string();
    return fmt::format("{}, {:.4g} to {:.4g}, mean {:.4g}, deviation {:.4g}{}", shape_text(), low, high, mean,
                       deviation, absences);
  }

  [[nodiscard]] std::string shape_text() const {
    const auto first = g2d::to_string(*shapes.begin());
    return shapes.size() == 1
               ? first
               : fmt::format("{} to {} ({} shapes)", first, g2d::to_string(*shapes.rbegin()), shapes.size());
  }
};

/// Of a batch of one sample.
bool has_modality(const g2d::Batch& batch, std::size_t m) {
  return !batch.present.defined() || batch.present[0][static_cast<std::int64_t>(m)].item<bool>();
}

/// One sample of one modality, without padding.
at::Tensor sample_of(const g2d::Input& input) {
  const auto values = input.values.select(0, 0);
  return input.lengths.defined() ? values.narrow(0, 0, input.lengths.item<std::int64_t>()) : values;
}

void print_targets(const OpenedDataset& dataset, const at::Tensor& targets) {
  const auto& target = dataset.target;
  if (target.kind == g2d::OutputKind::Values) {
    g2d::print("  target {}: {:.4g} to {:.4g}, mean {:.4g}, deviation {:.4g}\n", target.unit,
               targets.min().item<double>(), targets.max().item<double>(), targets.mean().item<double>(),
               targets.std(false).item<double>());
    return;
  }
  const auto counts = target.kind == g2d::OutputKind::Classes ? at::bincount(targets, {}, target.num_outputs)
                                                              : targets.to(at::kLong).sum(0);
  constexpr std::int64_t most_shown = 12;
  std::vector<std::string> shown;
  for (std::int64_t c = 0; c < std::min(counts.numel(), most_shown); ++c) {
    const auto position = static_cast<std::size_t>(c);
    shown.push_back(fmt::format("{} {}", position < target.names.size() ? target.names[position] : std::to_string(c),
                                counts[c].item<std::int64_t>()));
  }
  g2d::print("  {} {}: {}{}; smallest {}, largest {}\n", target.num_outputs,
             target.kind == g2d::OutputKind::Classes ? "classes" : "labels", fmt::join(shown, ", "),
             counts.numel() > most_shown ? ", ..." : "", counts.min().item<std::int64_t>(),
             counts.max().item<std::int64_t>());
}

void inspect_split(const OpenedDataset& dataset, const std::string& name, const g2d::data::Any& split) {
  const auto count = std::min(split.size(), most_samples);
  g2d::print("{}: {} samples{}\n", name, split.size(),
             count < split.size() ? fmt::format(", {} of them read", count) : "");
  print_targets(dataset, split.targets().cpu());
  std::vector<Range> ranges(split.names().size());
  std::vector<std::string> errors;
  for (std::int64_t i = 0; i < count; ++i) {
    try {
      const auto batch = split.batch(at::tensor({i * split.size() / count}, at::kLong));
      for (std::size_t m = 0; m < ranges.size(); ++m) {
        if (has_modality(batch, m)) {
          ranges[m].add(sample_of(batch.inputs[m]));
        } else {
          ++ranges[m].absent;
        }
      }
    } catch (const std::exception& error) {
      errors.emplace_back(error.what());
    }
  }
  for (std::size_t m = 0; m < ranges.size(); ++m) g2d::print("  {}: {}\n", split.names()[m], ranges[m].str());
  constexpr std::size_t most_errors = 5;
  if (!errors.empty()) g2d::print("  {} of {} samples cannot be read:\n", errors.size(), count);
  for (std::size_t i = 0; i < std::min(errors.size(), most_errors); ++i) g2d::print("    {}\n", errors[i]);
}

void draw_samples(const g2d::data::Any& split, const std::filesystem::path& file) {
  constexpr std::int64_t num_rows = 8;
  constexpr std::int64_t cell_size = 112;
  std::vector<std::vector<at::Tensor>> rows;
  for (std::int64_t i = 0; i < split.size() && static_cast<std::int64_t>(rows.size()) < num_rows; ++i) {
    try {
      const auto batch = split.batch(at::tensor({i}, at::kLong));
      std::vector<at::Tensor> cells;
      for (std::size_t m = 0; m < batch.inputs.size(); ++m) {
        if (!has_modality(batch, m)) {
          cells.push_back(contact_sheet::blank(cell_size, cell_size));
          continue;
        }
        const auto kind = batch.inputs[m].lengths.defined() ? contact_sheet::Kind::Sequence
                          : split.names()[m] == "audio"     ? contact_sheet::Kind::Spectrogram
                                                            : contact_sheet::Kind::Image;
        cells.push_back(contact_sheet::cell(sample_of(batch.inputs[m]).cpu(), kind, cell_size));
      }
      rows.push_back(std::move(cells));
    } catch (const std::exception&) {
      continue;  // It has been named above.
    }
  }
  if (rows.empty()) return;
  g2d::io::write_png(file, contact_sheet::arrange(rows));
  g2d::print("written: {} (rows: the first {} readable training samples; columns: {})\n", file.string(), rows.size(),
             split.names().joined());
}

}  // namespace

void inspect(const OpenedDataset& dataset, const std::filesystem::path& folder) {
  inspect_split(dataset, "training", dataset.splits.train);
  inspect_split(dataset, "validation", dataset.splits.validation);
  inspect_split(dataset, "test", dataset.splits.test);
  draw_samples(dataset.splits.train, folder / "samples.png");
}
