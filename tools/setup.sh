#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# Installs what building g2d needs and this machine lacks: Debian or Ubuntu packages, and in build/python LibTorch as a Python
# package unless CMake or Python finds one, and what the benchmark suite draws with. Where nothing is missing it takes a second.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler="${CXX:-g++}"

stop() {
  printf 'g2d set-up: %s\n' "$1" >&2
  exit 1
}

has() { command -v "$1" > /dev/null; }

missing_packages() {
  has "$compiler" || echo g++
  has cmake || echo cmake
  has ninja || echo ninja-build
  has python3 && python3 -c 'import ensurepip, venv' 2> /dev/null || echo python3-venv
  if ! has "$compiler"; then
    echo libeigen3-dev catch2 nlohmann-json3-dev libcli11-dev libsndfile1-dev libsamplerate0-dev libturbojpeg0-dev \
      libpng-dev zlib1g-dev libzip-dev libcsv-dev
    return
  fi
  "$compiler" -E -P -x c++ - << 'PROBES'
#if !__has_include(<eigen3/Eigen/Core>)
libeigen3-dev
#endif
#if !__has_include(<catch2/catch.hpp>) && !__has_include(<catch2/catch_all.hpp>)
catch2
#endif
#if !__has_include(<nlohmann/json.hpp>)
nlohmann-json3-dev
#endif
#if !__has_include(<CLI/CLI.hpp>)
libcli11-dev
#endif
#if !__has_include(<sndfile.h>)
libsndfile1-dev
#endif
#if !__has_include(<zlib.h>)
zlib1g-dev
#endif
#if !__has_include(<samplerate.h>)
libsamplerate0-dev
#endif
#if !__has_include(<turbojpeg.h>)
libturbojpeg0-dev
#endif
#if !__has_include(<png.h>)
libpng-dev
#endif
#if !__has_include(<zip.h>)
libzip-dev
#endif
#if !__has_include(<csv.h>)
libcsv-dev
#endif
PROBES
}

may_sudo() { has sudo && { [ -t 0 ] || sudo -n true 2> /dev/null; }; }

install_packages() {
  local packages
  packages=$(missing_packages | xargs)
  [ -n "$packages" ] || return 0
  has ccache || packages+=' ccache' # optional: worth a line, not worth a stop
  if [ -n "${CXX:-}" ] && ! has "$CXX"; then stop "CXX names $CXX, which is not installed"; fi
  has apt-get || stop "install what these Debian packages hold, then try again: $packages"
  local update='apt-get update' install="apt-get install --yes --no-install-recommends $packages" sudo=''
  if [ "$(id -u)" -ne 0 ]; then
    may_sudo || stop "packages are missing and you have no rights to install them; ask somebody who has to run
  $update && $install"
    sudo='sudo '
  fi
  printf 'g2d set-up: packages are missing; running\n  %s\n' "$sudo$update && $sudo$install"
  export DEBIAN_FRONTEND=noninteractive
  $sudo$update
  $sudo$install
}

make_environment() { [ -x build/python/bin/pip ] || python3 -m venv build/python; }

cmake_is_new_enough() {
  [ "$(printf '%s\n' 3.25 "$(cmake --version | sed -n 's/^cmake version //p')" | sort -V | head -n 1)" = 3.25 ]
}

install_cmake() {
  ! cmake_is_new_enough || return 0
  echo 'g2d set-up: CMake 3.25 or newer is missing; installing it into build/python by pip (about 30 MB)'
  make_environment
  build/python/bin/pip install 'cmake>=3.25'
}

install_torch() {
  ! cmake -P tools/locate_torch.cmake 2> /dev/null || return 0
  local requirement="${G2D_TORCH_REQUIREMENT:-torch==2.13.0}"
  cat << TEXT
g2d set-up: no LibTorch was found; installing $requirement into build/python by pip. This downloads about 200 MB for a
CPU build, several GB for a CUDA build; pip's configuration decides which. Set CMAKE_PREFIX_PATH to use your own instead.
TEXT
  make_environment
  build/python/bin/pip install "$requirement" numpy # torch warns without NumPy, and tools/convert_features.py needs it
}

# The figures and p values of the benchmark suite's report.
install_report_packages() {
  ! python3 -c 'import matplotlib, numpy, scipy' 2> /dev/null || return 0
  echo 'g2d set-up: matplotlib and SciPy are missing; installing them into build/python by pip (about 60 MB)'
  make_environment
  build/python/bin/pip install 'matplotlib==3.11.2' 'scipy==1.17.1' numpy
}

# One version for everybody: another formats otherwise.
install_formatter() {
  local version=20.1.8
  ! build/python/bin/clang-format --version 2> /dev/null | grep -qF "$version" || return 0
  make_environment
  build/python/bin/pip install "clang-format==$version"
}

# What is installed into build/python counts from here on.
export PATH="$PWD/build/python/bin:$PATH"
install_packages
install_cmake
install_torch
install_report_packages
install_formatter
