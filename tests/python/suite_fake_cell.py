#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Stands in for suite_cell in the tests of the suite's driver: the same files, with numbers that were made up.

Environment: FAKE_VERSION; FAKE_FAILS, a method or "teachers" that fails; FAKE_CRASHES, one that takes the process with
it; FAKE_SECONDS, how long a cell takes; FAKE_LOG, a file that gets a line for each cell; FAKE_DATA, the fingerprint.
"""

import hashlib
import json
import math
import os
import pathlib
import random
import signal
import sys
import time

GAINS = {"joint": 0.0, "joint-total": 0.004, "multi-task": 0.006, "ogm": 0.008, "g2d-loss": 0.028, "g2d": 0.03, "umt": 0.022,
         "ensemble": 0.035, "regress-only": 0.0, "two-only": 0.01, "mmpareto": 0.013, "agm": 0.011, "pmr": -0.01,
         "mla": -0.02, "reconboost": -0.05}
TEACHERS = {"g2d-loss", "g2d", "umt", "ensemble"}
MODALITIES = {"pair": ["audio", "image"], "triple": ["audio", "image", "text"], "prices": ["photo", "table"],
              "recorded": ["audio", "image"]}


def listing():
    def method(name):
        return {
            "name": name, "title": f"{name} <made up> & more", "source": "nowhere 2026", "citation": f"A & B, <{name}>, arXiv 2606.00001",
            "needs_teachers": name in TEACHERS, "tasks": {"regress-only": ["regression"]}.get(name, ["classification", "regression"]),
            "fusions": ["late", "sum", "concat"], "grid": [{}, {"strength": 0.5}, {"strength": 2}],
            **({"modality_counts": [2]} if name == "two-only" else {}),
        }

    def dataset(name):
        task = "regression" if name == "prices" else "classification"
        defaults = {"epochs": 8, "teacher_epochs": 4, "batch_size": 32, "learning_rate": 0.01}
        small = {} if name == "recorded" else {"samples": [600, 200, 200]}
        return {"name": name, "title": f"{name.title()}s <made up>", "needs_data": name == "recorded", "task": task,
                "modalities": MODALITIES[name], "defaults": {**defaults, **small}}

    return {"version": os.environ.get("FAKE_VERSION", "0.1.0"), "libtorch": "2.13.0", "compiler": "g++ 12",
            "methods": list(map(method, GAINS)), "datasets": list(map(dataset, MODALITIES))}


def random_of(*parts):
    return random.Random(hashlib.sha256(repr(parts).encode()).hexdigest())


def score(spec, part=""):
    """Seeds share most of their noise, as real ones do."""
    shared = random_of(spec["seed"]).gauss(0, 0.02)
    own = random_of(spec["seed"], spec.get("method"), spec.get("fusion"), sorted(spec.get("settings", {}).items()), part).gauss(0, 0.004)
    best = {0.5: 0.01, 2: -0.02}.get(spec.get("settings", {}).get("strength"), 0)
    return min(0.999, 0.9 + shared + own + best + GAINS.get(spec.get("method"), 0))


def metrics(value, task):
    if task == "regression":
        return {"rmse": 1e5 * (1.5 - value), "mae": 7e4 * (1.5 - value), "r2": 2 * value - 1.3}
    return {"accuracy": value, "macro_f1": value - 0.003}


def cloud(generator, spread):
    labels = [i % 10 for i in range(120)]
    return [[math.cos(label) * 3 + generator.gauss(0, spread), math.sin(label) * 3 + generator.gauss(0, spread), label]
            for label in labels]


def history(spec, task, modalities):
    epochs = []
    first = "regression" if task == "regression" else "classification"
    for epoch in range(1, spec["epochs"] + 1):
        rise = 1 - 0.5 * math.exp(-epoch / 2)
        stage = min(len(modalities), 3 * epoch // (spec["epochs"] + 1))
        value = score(spec, "validation") * rise

        def primary(share):
            return metrics(share, first)["rmse" if first == "regression" else "accuracy"]

        entry = {
            "epoch": epoch, "stage": stage, "learning_rate": 0.01, "losses": {"task": 1 - value}, "seconds": 0.001,
            "validation": {"fused": primary(value), "unimodal": {m: primary(value * (0.8 - 0.25 * i)) for i, m in enumerate(modalities)}},
        }
        if spec["method"] in ("g2d", "ogm"):
            entry["kappa"] = {m: float(stage == len(modalities) or stage == i) for i, m in enumerate(modalities)}
            entry["rho"] = {m: 0.9 - 0.2 * i + 0.02 * epoch for i, m in enumerate(modalities)}
        epochs.append(entry)
    return epochs


def alignment(spec, modality):
    generator = random_of(spec["seed"], spec["method"], modality)
    pull = 0.8 if spec["method"] in TEACHERS else 0.3
    return [{"epoch": epoch, "linear_cka": pull * (1 - math.exp(-epoch / 3)) + generator.gauss(0, 0.02),
             "mean_cosine": pull * 0.9 * (1 - math.exp(-epoch / 4)), "procrustes": 1 - pull * (1 - math.exp(-epoch / 3))}
            for epoch in range(1, spec["epochs"] + 1)]


def analysis(spec, task, modalities):
    """All that a cell reports with `analysis`."""
    value = score(spec, "test")

    def primary(share):
        return metrics(share, task)["rmse" if task == "regression" else "accuracy"]

    subsets = [[m for i, m in enumerate(modalities) if bits >> i & 1] for bits in range(2 ** len(modalities))]
    return {
        "probe": {m: metrics(value * (0.9 - 0.1 * i), task) for i, m in enumerate(modalities)},
        "shapley": {m: value / (i + 2) for i, m in enumerate(modalities)}, "imbalance": {"degree": 0.12, "normalised": 0.2},
        "subsets": [{"modalities": s, "metric": primary(value * (0.2 + 0.8 * len(s) / len(modalities)))} for s in subsets],
        "noise": [{"modality": m, "level": level, "metric": primary(value / (1 + 0.2 * level * (i + 1)))}
                  for i, m in enumerate(modalities) for level in (0, 0.5, 1, 2)],
        "alignment": {m: alignment(spec, m) for m in modalities},
        "pca": {m: {"teacher": cloud(random_of(m), 0.4), "student": cloud(random_of(m, spec["method"]), 0.8)} for m in modalities},
    }


def result(spec):
    name = spec["dataset"]["name"]
    modalities, task = MODALITIES[name], "regression" if name == "prices" else "classification"
    common = {
        "spec": spec, "recipe": {"learning_rate": 0.01, "batch_size": 32, "seed": spec["seed"], **spec["dataset"]},
        "versions": {"g2d": os.environ.get("FAKE_VERSION", "0.1.0"), "libtorch": "2.13.0", "compiler": "g++ 12"},
        "machine": {"processor": "made up", "cores": 2}, "data_fingerprint": os.environ.get("FAKE_DATA", f"{name}-data"),
        "cost": {"seconds": 0.01 * spec["epochs"], "samples": 600 * spec["epochs"], "updates": 20 * spec["epochs"],
                 "forwards": dict.fromkeys(modalities, 600), "backwards": dict.fromkeys(modalities, 500), "peak_rss_bytes": 2**28},
    }
    if spec["kind"] == "teachers":
        folder = pathlib.Path(spec["teachers"])
        folder.mkdir(parents=True)
        (folder / "teachers.json").write_text("{}")
        return {**common, "unimodal": {m: metrics(0.85 - 0.2 * i, task) for i, m in enumerate(modalities)}}
    assert (pathlib.Path(spec["teachers"]) / "teachers.json").exists()
    if spec["method"] in TEACHERS:
        common["cost"]["teacher_seconds"] = 0.03
    return {
        **common, "metrics": {part: metrics(score(spec, part), task) for part in ("validation", "test")},
        "unimodal": {m: metrics(score(spec) * (0.7 - 0.3 * i), task) for i, m in enumerate(modalities)},
        "history": history(spec, task, modalities), **(analysis(spec, task, modalities) if spec["analysis"] else {}),
    }


def run(spec_path, out_path):
    spec = json.loads(pathlib.Path(spec_path).read_text())
    name = spec.get("method", "teachers")
    if "FAKE_LOG" in os.environ:
        with open(os.environ["FAKE_LOG"], "a") as log:
            log.write(f"{spec['dataset']['name']} {name} {spec['seed']} {os.getpid()}\n")
    time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
    if os.environ.get("FAKE_CRASHES") == name:
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("FAKE_FAILS") == name:
        print(f"g2d: {name}: expected <luck>, got none", file=sys.stderr)
        return False
    partial = pathlib.Path(out_path + ".partial")
    partial.write_text(json.dumps(result(spec)))
    partial.rename(out_path)
    return True


def main():
    if sys.argv[1] == "list":
        print(json.dumps(listing()))
        return 0
    paths = sys.argv[2:]
    return 0 if all([run(*pair) for pair in zip(paths[::2], paths[1::2])]) else 1


if __name__ == "__main__":
    sys.exit(main())
