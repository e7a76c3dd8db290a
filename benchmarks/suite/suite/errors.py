# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""What a user can put right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SuiteError(Exception):
    """Expected ..., got ...: ends the command with exit status 2."""


def check_name(where: str, name: str, known: Iterable[str]) -> str:
    """`name` if it is known, else an error with the nearest names."""
    names = list(known)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    remedy = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(names)}"
    raise SuiteError(f"{where}: expected a known name, got {name!r}; {remedy}")
