#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# Checks the format, builds and runs all tests, then those of single parts under the sanitizers, and says what was skipped and why.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs="${1:-2}"

tools/format.sh --check
status=0
for preset in release asan; do
  cmake --preset "$preset"
  cmake --build --preset "$preset" --parallel "$jobs"
  ctest --preset "$preset" --parallel "$jobs" || status=1
done
for preset in release asan; do
  awk -v preset="$preset" -f tools/skipped.awk "build/$preset/Testing/Temporary/LastTest.log"
done
exit $status
