// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/to_device.hpp>

namespace g2d::analysis::detail {

/// One pass over a dataset in its order: visit(batch on the device, rows).
///
/// Errors     ConfigError for a dataset of other modalities than the model's.
template <data::DatasetPolicy Dataset, class Visit>
void for_each_batch(const Dataset& dataset, const ModalityNames& names, std::int64_t batch_size, at::Device device,
                    Visit visit) {
  if (!(dataset.names() == names)) {
    throw ConfigError(fmt::format("g2d: analysis: expected a dataset of the model's modalities ({}), got ({})",
                                  names.joined(), dataset.names().joined()));
  }
  const auto batches = data::ordered_batches(dataset.size(), batch_size);
  auto stream = data::stream(dataset, batches);
  for (std::size_t i = 0; i < batches.size(); ++i) visit(data::to_device(stream.next(), device), batches[i]);
}

}  // namespace g2d::analysis::detail
