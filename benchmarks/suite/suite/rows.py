# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""`suite csv`: one line for every final cell, for other programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TextIO

from .catalogue import Json
from .cells import Store
from .errors import SuiteError

ROLES = ("teachers", "final")


def _flat(record: Json) -> Json:
    spec, metrics = record["spec"], record.get("metrics", {})
    row = {
        "dataset": spec["dataset"]["name"],
        "method": spec.get("method", "teachers"),
        "fusion": spec.get("fusion") or "",
        "settings": json.dumps(spec.get("settings") or {}, sort_keys=True),
        "seed": spec["seed"],
        "epochs": spec["epochs"],
    }
    for split in ("validation", "test"):
        row |= {f"{split}_{name}": value for name, value in metrics.get(split, {}).items()}
    for modality, alone in record.get("unimodal", {}).items():
        row |= {f"{modality}_{name}": value for name, value in alone.items()}
    return row | {"seconds": record.get("cost", {}).get("seconds")}


def write(folder: Path, file: TextIO) -> None:
    records = [record for record in Store(folder).results.values() if record["role"] in ROLES]
    if not records:
        raise SuiteError(f"suite: {folder}: expected the folder of a run with finished cells, got none")
    rows = sorted((_flat(record) for record in records), key=lambda row: (row["dataset"], row["method"], row["settings"], row["fusion"], row["seed"]))
    writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
