# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""What the binary can run: methods and datasets."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import SuiteError, check_name

Json = dict[str, Any]
JOINT, JOINT_TOTAL, G2D = "joint", "joint-total", "g2d"


def flat(value: Json, name: str = "") -> dict[str, str]:
    """Nested settings with dots."""
    found = {}
    for key, inner in value.items():
        path = f"{name}.{key}" if name else key
        found |= flat(inner, path) if isinstance(inner, dict) else {path: json.dumps(inner)}
    return found


@dataclass(frozen=True, eq=False)
class Method:
    name: str
    title: str
    source: str
    citation: str
    needs_teachers: bool
    tasks: tuple[str, ...]
    fusions: tuple[str, ...]
    grid: tuple[Json, ...]
    modality_counts: tuple[int, ...]  # empty: any

    @staticmethod
    def of(entry: Json) -> Method:
        return Method(
            entry["name"], entry.get("title") or entry["name"], entry.get("source", ""), entry.get("citation", ""),
            bool(entry.get("needs_teachers")), tuple(entry["tasks"]), tuple(entry.get("fusions", ())),
            tuple(entry.get("grid") or ({},)), tuple(entry.get("modality_counts", ())),
        )

    def admits(self, dataset: Dataset) -> bool:
        fits = not self.modality_counts or len(dataset.modalities) in self.modality_counts
        return fits and dataset.task in self.tasks


@dataclass(frozen=True, eq=False)
class Dataset:
    name: str
    title: str
    needs_data: bool
    task: str
    modalities: tuple[str, ...]
    defaults: Json

    @staticmethod
    def of(entry: Json) -> Dataset:
        return Dataset(
            entry["name"], entry.get("title") or entry["name"], bool(entry.get("needs_data")), entry["task"],
            tuple(entry.get("modalities", ())), dict(entry.get("defaults", {})),
        )


@dataclass(frozen=True)
class Catalogue:
    versions: Json
    methods: dict[str, Method]
    datasets: dict[str, Dataset]
    raw: Json

    @staticmethod
    def of(listing: Json) -> Catalogue:
        versions = {key: value for key, value in listing.items() if key not in ("methods", "datasets")}
        methods = {entry["name"]: Method.of(entry) for entry in listing["methods"]}
        datasets = {entry["name"]: Dataset.of(entry) for entry in listing["datasets"]}
        return Catalogue(versions, methods, datasets, listing)

    def method(self, name: str) -> Method:
        return self.methods[check_name("suite: --methods", name, self.methods)]

    def dataset(self, name: str) -> Dataset:
        return self.datasets[check_name("suite: --datasets", name, self.datasets)]

    def version_text(self) -> str:
        return ", ".join(f"{key} {value}" for key, value in self.versions.items())


def read_catalogue(binary: Path) -> Catalogue:
    try:
        done = subprocess.run([str(binary), "list"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise SuiteError(
            f"suite: expected the program suite_cell, got none at {binary} ({error.strerror}); "
            "build the target suite_cell or name it with --cell"
        ) from error
    if done.returncode != 0:
        raise SuiteError(f"suite: {binary} list: expected exit status 0, got {done.returncode}: {done.stderr.strip()}")
    try:
        return Catalogue.of(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError) as error:
        raise SuiteError(f"suite: {binary} list: expected methods and datasets as JSON, got {error!r}") from error
