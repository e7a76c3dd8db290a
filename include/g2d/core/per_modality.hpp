// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <c10/util/SmallVector.h>

#include <span>

namespace g2d {

/// One value for each modality, in declared order. The extent is M at run time; up to four modalities need no heap.
///
/// Policies take `std::span<const T>`, so that this container, `std::array` and `std::vector` all serve as arguments.
template <class T>
using PerModality = c10::SmallVector<T, 4>;

/// A read-only view of one value for each modality.
template <class T>
using ModalitySpan = std::span<const T>;

}  // namespace g2d
