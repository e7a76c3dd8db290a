// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/io/detail/ending.hpp>
#include <g2d/io/image.hpp>
#include <g2d/transform/any.hpp>
#include <g2d/transform/concept.hpp>

/// Videos as folders of single frames, whose names are in the order of time.
namespace g2d::dataset::detail {

/// The names of the images in a folder, in no order; hidden files, which some systems add, are skipped. None where the
/// folder cannot be read.
[[nodiscard]] inline std::vector<std::string> list_frames(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    auto name = entry->path().filename().string();
    const auto ending = io::detail::lower_case_ending(entry->path());
    const bool is_image = ending == ".jpg" || ending == ".jpeg" || ending == ".png";
    if (is_image && name.front() != '.') names.push_back(std::move(name));
  }
  return names;
}

/// The middle frames of `num_frames` equal parts of a video: 0 ... n - 1 gives floor((2 i + 1) n / (2 num_frames)).
///
/// Errors     DataError naming the folder when it has fewer.
[[nodiscard]] inline std::vector<std::filesystem::path> choose_frames(const std::filesystem::path& folder,
                                                                      std::int64_t num_frames) {
  auto names = list_frames(folder);
  const auto count = static_cast<std::int64_t>(names.size());
  if (count < num_frames) {
    throw DataError(fmt::format("g2d: dataset: {}: expected at least {} frames (.jpg, .png), got {}", folder.string(),
                                num_frames, count));
  }
  std::sort(names.begin(), names.end());
  std::vector<std::filesystem::path> chosen;
  for (std::int64_t i = 0; i < num_frames; ++i) {
    chosen.push_back(folder / names[static_cast<std::size_t>((2 * i + 1) * count / (2 * num_frames))]);
  }
  return chosen;
}

/// [3, H, W] for one frame, [3, num_frames, H, W] for several, of the dtype of io::read_image.
///
/// Errors     DataError naming the file or folder: too few frames, an unreadable one, frames of different sizes.
[[nodiscard]] inline at::Tensor read_frames(const std::filesystem::path& folder, std::int64_t num_frames) {
  std::vector<at::Tensor> frames;
  for (const auto& file : choose_frames(folder, num_frames)) {
    frames.push_back(io::read_image(file));
    if (frames.back().sizes() != frames.front().sizes()) {
      throw DataError(fmt::format("g2d: dataset: {}: expected frames of one size, {}, got {}", file.string(),
                                  to_string(frames.front().sizes()), to_string(frames.back().sizes())));
    }
  }
  return num_frames == 1 ? frames.front() : at::stack(frames, 1);
}

/// Applies a transform of images to the frames of a video one by one; a random one draws anew for each, as the authors'
/// code does.
///
/// Shapes     in: [C, T, H, W]; out: [C, T, height, width].
struct EachFrame {
  transform::Any image_transform;

  [[nodiscard]] at::Tensor operator()(const at::Tensor& video, SampleRandom& random) const {
    std::vector<at::Tensor> frames;
    for (const auto& frame : video.unbind(1)) frames.push_back(image_transform(frame, random));
    return at::stack(frames, 1);
  }

  [[nodiscard]] bool is_random() const { return image_transform.is_random(); }
  [[nodiscard]] std::string description() const {
    return fmt::format("each frame ({})", image_transform.description());
  }
};

static_assert(transform::TransformPolicy<EachFrame>);

}  // namespace g2d::dataset::detail
