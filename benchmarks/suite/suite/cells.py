# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""A cell is one training: dataset x method x settings x seed. Its result is one line of cells.jsonl."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from .catalogue import Json
from .errors import SuiteError


def digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True, eq=False)
class Cell:
    """`spec` is what suite_cell gets but for paths, so that moving folders changes no key."""

    spec: Json
    key: str
    role: str
    teachers: Cell | None = None

    @staticmethod
    def of(spec: Json, versions: Json, role: str, teachers: Cell | None = None) -> Cell:
        identity = {"spec": spec, "versions": versions, "teachers": teachers.key if teachers else None}
        return Cell(spec, digest(identity), role, teachers)

    @property
    def dataset(self) -> str:
        return self.spec["dataset"]["name"]

    @property
    def label(self) -> str:
        return self.spec["method"] if self.spec["kind"] == "student" else "teachers"

    @property
    def title(self) -> str:
        settings = self.spec.get("settings") or {}
        shown = "".join(f" {key}={value}" for key, value in settings.items())
        fusion = f" {self.spec['fusion']}" if self.spec.get("fusion") else ""
        return f"{self.dataset} {self.label}{fusion}{shown} seed {self.spec['seed']}"


def unique(cells: Iterable[Cell]) -> list[Cell]:
    return list({cell.key: cell for cell in cells}.values())


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S")


def lines_of(path: Path) -> list[Json]:
    """The whole lines of a file of JSON lines; a last one cut short by a killed run does not count."""
    if not path.exists():
        return []
    records = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
    return records


def append_line(path: Path, record: Json) -> None:
    """One write to the end of the file: a reader sees the line whole or not at all."""
    line = json.dumps(record, separators=(",", ":")) + "\n"
    ends_whole = not path.exists() or path.stat().st_size == 0 or _last_byte(path) == b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, (("" if ends_whole else "\n") + line).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_byte(path: Path) -> bytes:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


def _data_of(record: Json) -> tuple[str, int]:
    spec = record["spec"]
    return json.dumps(spec["dataset"], sort_keys=True), spec["seed"]


def of_one_data_set(records: list[Json]) -> tuple[list[Json], int]:
    """Without the records whose dataset has since got another fingerprint; and how many those are."""
    newest = {_data_of(record): record.get("data_fingerprint") for record in records}
    kept = [record for record in records if record.get("data_fingerprint") == newest[_data_of(record)]]
    return kept, len(records) - len(kept)


class Store:
    """The folder of a suite: cells.jsonl, failures.jsonl, teachers/<key>/ and runs/."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        records, self.num_of_other_data = of_one_data_set(lines_of(folder / "cells.jsonl"))
        self.results: dict[str, Json] = {record["key"]: record for record in records}
        self.failures: dict[str, Json] = {record["key"]: record for record in lines_of(folder / "failures.jsonl")}

    def add(self, cell: Cell, result: Json, wall_seconds: float | None, finished: str) -> Json:
        head = {"key": cell.key, "role": cell.role, "finished": finished, "wall_seconds": wall_seconds}
        record = {**head, **result, "spec": cell.spec}
        append_line(self.folder / "cells.jsonl", record)
        self.results[cell.key] = record
        return record

    def add_failure(self, cell: Cell, reason: str, finished: str) -> None:
        record = {"key": cell.key, "role": cell.role, "finished": finished, "title": cell.title, "reason": reason,
                  "spec": cell.spec}
        append_line(self.folder / "failures.jsonl", record)
        self.failures[cell.key] = record

    def has(self, cell: Cell) -> bool:
        """Teachers count only with their weights."""
        there = cell.key in self.results
        return there and (cell.spec["kind"] != "teachers" or self.teachers_folder(cell).is_dir())

    def teachers_folder(self, cell: Cell) -> Path:
        return self.folder / "teachers" / cell.key

    def failed(self, cell: Cell) -> Json | None:
        return None if cell.key in self.results else self.failures.get(cell.key)


def lock(folder: Path) -> TextIO:
    """Held as long as the file is open."""
    folder.mkdir(parents=True, exist_ok=True)
    file = open(folder / ".lock", "w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise SuiteError(f"suite: {folder}: expected no other run, got one that is at work there") from error
    return file
