// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>

namespace g2d {

/// A tensor has the wrong shape, dtype or device. The message names the modality, what was expected and what was given.
class ShapeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A setting is out of range, or two settings cannot be used together. Thrown before any work starts.
class ConfigError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A file or a dataset cannot be used. The message names the file or sample and the reason.
class DataError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Training came to no numbers: nothing was learnt.
class DivergedError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace g2d
