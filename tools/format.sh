#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# Formats our C++ code with the pinned clang-format that tools/setup.sh installs. `--check` changes nothing: it names the
# lines that differ and fails.
set -euo pipefail
cd "$(dirname "$0")/.."
mode='-i'
if [ "${1:-}" = --check ]; then mode='--dry-run --Werror'; fi
formatter=build/python/bin/clang-format

# shellcheck disable=SC2086  # Two words.
find include tests examples benchmarks -name '*.[hc]pp' -print0 | xargs -0 -P 2 -n 50 "$formatter" $mode --style=file
if long=$(grep -rnE --include='*.[hc]pp' '^.{121,}' include tests examples benchmarks); then
  printf 'longer than 120 columns:\n%s\n' "$long" >&2
  exit 1
fi
