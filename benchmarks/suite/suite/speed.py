# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""`suite speed`: the speed benchmarks, which are programs of their own, and what is made of their figures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import markdown
from .document import Table
from .errors import SuiteError, check_name

ROOT = Path(__file__).resolve().parents[3]


def programs(build: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted((build / "benchmarks").glob("**/*_bench")) if path.is_file()}


def found_programs(build: Path) -> dict[str, Path]:
    found = programs(build)
    if not found:
        raise SuiteError(f"suite: speed: expected speed benchmarks in {build / 'benchmarks'}, got none; build the target benchmarks")
    return found


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
        return f"no speed benchmarks in {build / 'benchmarks'}; build the target benchmarks"
    width = max(map(len, found))
    return "\n".join(f"{name:<{width}}  {purpose(name)}" for name in found)


def start(program: Path, arguments: Sequence[str]) -> int:
    """With this interpreter as the Python that a benchmark compares with, unless another is named."""
    environment = {"G2D_PYTHON": sys.executable, "OMP_WAIT_POLICY": "PASSIVE", **os.environ}
    return subprocess.run([str(program), *arguments], env=environment, check=False).returncode


def json_option(file: Path | None) -> list[str]:
    return ["--json", str(file)] if file else []


def run(build: Path, name: str, arguments: Sequence[str], file: Path | None) -> int:
    found = found_programs(build)
    return start(found[check_name("suite: speed", name, found)], [*arguments, *json_option(file)])


def run_all(build: Path, arguments: Sequence[str], file: Path | None) -> int:
    """All benchmarks one after the other, and one table of their figures; 1 when one failed, and the others have run."""
    found = found_programs(build)
    with tempfile.TemporaryDirectory() as folder:
        lines = (file or Path(folder) / "speed.jsonl").resolve()
        lines.parent.mkdir(parents=True, exist_ok=True)
        lines.write_text("", encoding="utf-8")
        failed = [name for name, program in found.items() if start(program, [*arguments, *json_option(lines)]) != 0]
        print("\n" + table(read_figures(lines)))
    for name in failed:
        print(f"g2d: suite: speed: {name} failed", file=sys.stderr)
    return 1 if failed else 0


@dataclass(frozen=True)
class Machine:
    """Where a figure was measured, as far as its benchmark tells; `load` is the system's at that time."""

    name: str
    load: float | None

    @classmethod
    def of(cls, entry: Mapping[str, object]) -> Machine:
        cores = f"{entry['cores']} cores" if "cores" in entry else ""
        return cls(", ".join(filter(None, (entry.get("cpu"), entry.get("capability"), cores))), entry.get("load"))


@dataclass(frozen=True)
class Figure:
    """One line of a benchmark's JSON: a value, or a ratio with its quartiles."""

    benchmark: str
    what: str
    sides: str  # of a ratio: which are compared
    value: float
    low: float | None
    high: float | None
    unit: str  # of a ratio: which ratio it is
    aim: str
    is_smoke: bool
    machine: Machine

    @property
    def label(self) -> str:
        return f"{self.what}: {self.sides}" if self.sides else self.what

    @property
    def text(self) -> str:
        if self.low is None:
            return f"{self.value:.4g} {self.unit}".strip()
        against = f"{self.unit} " if self.unit != "speedup" else ""
        return f"{against}{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def limit(self) -> float | None:
        return float(self.aim.split()[1]) if self.aim else None

    @property
    def reached(self) -> str:
        if not self.aim:
            return ""
        is_reached = self.value <= self.limit if self.aim.startswith("<=") else self.value >= self.limit
        return "yes" if is_reached else "no"


def read_figure(line: str) -> Figure:
    """Fields that it knows not are passed over."""
    entry = json.loads(line)
    if not entry.get("keeps_memory", True):
        entry["what"] += ", default heap"
    shared = (entry.get("aim", ""), entry["is_smoke"], Machine.of(entry))
    if "ratio" in entry:
        return Figure(entry["benchmark"], entry["what"], f"{entry['a']} / {entry['b']}", entry["ratio"], entry["ratio_low"],
                      entry["ratio_high"], entry["kind"], *shared)
    return Figure(entry["benchmark"], entry["what"], "", entry["value"], None, None, entry["unit"], *shared)


def read_figures(file: Path) -> list[Figure]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SuiteError(f"suite: speed: expected a file of figures, got {file}: {error.strerror}; write one with speed --all --json FILE") from None
    try:
        return [read_figure(line) for line in lines]
    except (ValueError, KeyError, TypeError) as error:
        raise SuiteError(f"suite: speed: expected JSON lines of benchmarks in {file}, got something else ({error!r})") from None


def machine_lines(figures: Sequence[Figure]) -> list[str]:
    """One for each machine that figures are of, with the least and the greatest load."""
    loads: dict[str, list[float]] = {}
    for machine in (figure.machine for figure in figures):
        if machine.name:
            loads.setdefault(machine.name, []).extend([] if machine.load is None else [machine.load])
    return [f"{name}{f'; load {min(of_it):.2f} to {max(of_it):.2f}' if of_it else ''}" for name, of_it in loads.items()]


def table(figures: Sequence[Figure]) -> str:
    """Speed-ups are how many times faster the first named is; time ratios are said to be such."""
    rows = [[figure.benchmark, figure.label, figure.text, figure.aim, figure.reached] for figure in figures]
    notes = ["Of a smoke run: it shows that everything runs, and no figure means anything."] if any(figure.is_smoke for figure in figures) else []
    text = markdown.table(Table(["benchmark", "what", "ratio [quartiles]", "aim", "reached"], rows, (0, 1, 2, 3, 4)))
    return "\n\n".join([*notes, *machine_lines(figures), text])


def write_report(file: Path, folder: Path) -> list[Path]:
    """The table, and the figures that there are numbers for."""
    from . import speed_figures  # matplotlib, which running the benchmarks needs not

    figures = read_figures(file)
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"speed.md": table(figures) + "\n", **speed_figures.draw(figures)}
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in contents]
