// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

#include "dataset_choice.hpp"

/// Looks at a dataset before any training: prints counts, shapes, ranges, class balance and what cannot be read, and
/// draws the first training samples to `folder`/samples.png, one row a sample, one column a modality.
///
/// At most 512 samples of each split are read.
void inspect(const OpenedDataset& dataset, const std::filesystem::path& folder);
