# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""What a folder was asked for: runs/<time>.json, one file for each `run`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .catalogue import Catalogue, Json
from .cells import Store, now
from .errors import SuiteError
from .plan import Plan, Protocol


@dataclass
class Run:
    """`entry` is what the file holds."""

    plan: Plan
    entry: Json
    path: Path

    @staticmethod
    def start(folder: Path, plan: Plan, command: str, jobs: int) -> Run:
        entry = {
            "started": now(), "command": command, "jobs": jobs, "status": "interrupted", "wall_seconds": None,
            "identity": plan.identity, "protocol": asdict(plan.protocol),
            "methods": [method.name for method in plan.methods], "datasets": [data.name for data in plan.datasets],
            "ablations": plan.ablations, "catalogue": plan.catalogue.raw,
        }
        path = folder / "runs" / f"{time.time_ns()}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        run = Run(plan, entry, path)
        run.save()
        return run

    @staticmethod
    def read(path: Path) -> Run:
        try:
            entry = json.loads(path.read_text())
            plan = Plan(Catalogue.of(entry["catalogue"]), Protocol.of(entry["protocol"]), entry["methods"],
                        entry["datasets"], entry["ablations"])
        except (ValueError, KeyError, TypeError) as error:
            raise SuiteError(f"suite: {path}: expected what a run has written, got {error!r}") from error
        return Run(plan, entry, path)

    def save(self) -> None:
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.entry))
        os.replace(partial, self.path)

    def finish(self, status: str, wall_seconds: float) -> None:
        self.entry |= {"status": status, "wall_seconds": wall_seconds}
        self.save()


@dataclass
class Group:
    """All runs of one identity, oldest first: parts of one comparison."""

    runs: list[Run]

    @property
    def newest(self) -> Run:
        return self.runs[-1]

    def plan(self) -> Plan:
        """Of all runs together."""
        first, plans = self.newest.plan, [run.plan for run in self.runs]
        asked = {method.name for plan in plans for method in plan.methods}
        return Plan(
            first.catalogue, first.protocol, [name for name in first.catalogue.methods if name in asked],
            [dataset.name for plan in plans for dataset in plan.datasets],
            [name for plan in plans for name in plan.ablations],
        )


def missing(plans: Sequence[Plan], store: Store) -> int:
    """Cells that are neither there nor failed."""
    lacking = set()
    for plan in plans:
        for cell in [*plan.first_cells(), *plan.final_cells(store.results)]:
            if cell.key not in store.results and not store.failed(cell):
                lacking.add(cell.key)
    return len(lacking)


@dataclass
class Selection:
    """What of a folder is reported, and what was left aside."""

    group: Group
    plan: Plan
    num_missing: int
    messages: list[str]


def select(store: Store) -> Selection:
    """The newest group without gaps; where all have some, the newest."""
    paths = sorted((store.folder / "runs").glob("*.json"))
    if not paths:
        raise SuiteError(f"suite: {store.folder}: expected the folder of a run, got one without runs/*.json")
    groups: dict[str, Group] = {}
    for path in paths:
        run = Run.read(path)
        groups.setdefault(run.entry["identity"], Group([])).runs.append(run)
    newest_first = sorted(groups.values(), key=lambda group: group.newest.path.name, reverse=True)
    gaps = [missing([run.plan for run in group.runs], store) for group in newest_first]
    place = gaps.index(0) if 0 in gaps else 0
    messages = []
    if place > 0:
        messages.append(f"The newest set of cells lacks {gaps[0]}; this is the newest complete one.")
    elif gaps[0] > 0:
        messages.append(f"This set of cells is incomplete: {gaps[0]} are missing; run the command again to fill it.")
    if len(newest_first) > 1:
        messages.append(f"{len(newest_first) - 1} other set(s) of cells in this folder, of another protocol or version, "
                        "are left aside.")
    if store.num_of_other_data:
        messages.append(f"{store.num_of_other_data} cell(s) of data with another fingerprint are left aside.")
    group = newest_first[place]
    return Selection(group, group.plan(), gaps[place], messages)
