# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""`suite speed`: the speed benchmarks, which are programs of their own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from .errors import SuiteError, check_name

ROOT = Path(__file__).resolve().parents[3]


def programs(build: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted((build / "benchmarks").glob("**/*_bench")) if path.is_file()}


def purpose(name: str) -> str:
    """The first sentence of the source's head comment."""
    source = next((ROOT / "benchmarks").glob(f"**/{name}.cpp"), None)
    if source is None:
        return ""
    words = []
    for line in source.read_text(encoding="utf-8").splitlines():
        if not line.startswith("//"):
            break
        if "SPDX" not in line:
            words += line.lstrip("/").split()
    return re.split(r"[.:] ", " ".join(words))[0]


def listing(build: Path) -> str:
    found = programs(build)
    if not found:
        return f"no speed benchmarks in {build / 'benchmarks'}; build the target bench"
    width = max(map(len, found))
    return "\n".join(f"{name:<{width}}  {purpose(name)}" for name in found)


def run(build: Path, name: str, arguments: list[str]) -> int:
    found = programs(build)
    if not found:
        raise SuiteError(f"suite: speed: expected speed benchmarks in {build / 'benchmarks'}, got none; build the target bench")
    return subprocess.run([str(found[check_name("suite: speed", name, found)]), *arguments], check=False).returncode
