# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""The benchmark suite: plans cells, runs them with suite_cell, and reports."""
