// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/nn/module.h>

#include <concepts>

#include <g2d/core/parameter.hpp>

/// Initialisation: what happens to the weights after everything has been constructed.
///
/// | policy | what it does | use when |
/// |---|---|---|
/// | `Default`     | nothing: the numbers drawn at construction stay | in doubt |
/// | `AuthorsCode` | linear xavier normal, convolutions kaiming normal | the authors' runs are to be repeated |
///
/// A policy is a plain class. A fusion's tensors are no module, hence the second call:
///
///     struct Mine {
///       void operator()(torch::nn::Module& module) const;
///       void operator()(const g2d::Parameters& parameters) const;
///     };
namespace g2d::initialization {

namespace detail {

template <class Initialization>
concept InitializesModules = requires(const Initialization& initialization, torch::nn::Module& module) {
  { initialization(module) } -> std::same_as<void>;
};

template <class Initialization>
concept InitializesParameters = requires(const Initialization& initialization, const Parameters& parameters) {
  { initialization(parameters) } -> std::same_as<void>;
};

}  // namespace detail

template <class Initialization>
concept InitializationPolicy =
    detail::InitializesModules<Initialization> && detail::InitializesParameters<Initialization>;

}  // namespace g2d::initialization
