# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Writes golden/greedy.json: runs of Greedy in NumPy, with gradients by hand. Nothing here runs the library."""

import json
from pathlib import Path

import numpy as np

B, D, C, STEPS, STEPS_AN_EPOCH, RATE = 5, 4, 3, 18, 3, 0.3
OPTIONS = {"threshold": 0.01, "window": 3, "first_epoch": 1}
NAMES = ["audio", "image", "text"]


def normal(random, *shape):
    """Short in the file."""
    return np.round(random.normal(size=shape) * 0.6, 3)


def linear(random, outputs, inputs):
    return {"weight": normal(random, outputs, inputs), "bias": normal(random, outputs)}


def layers(random, M, inputs):
    result = {f"encoders.{NAMES[m]}.fc1": linear(random, D, inputs[m]) for m in range(M)}
    squeezed = 2 * M * D // 4
    result["fusion.squeeze"] = linear(random, squeezed, M * D)
    for m in range(M):
        result[f"fusion.excite.{NAMES[m]}"] = linear(random, D, squeezed)
        result[f"fusion.head.{NAMES[m]}"] = linear(random, C, D)
    return result


def apply(layer, x):
    return x @ layer["weight"].T + layer["bias"]


def back(layer, x, gradient):
    """The layer's gradients, and that of its input."""
    return {"weight": gradient.T @ x, "bias": gradient.sum(axis=0)}, gradient @ layer["weight"]


def squared(*parts):
    return sum(float((part[key] ** 2).sum()) for part in parts for key in ("weight", "bias"))


def run(M, seed):
    random = np.random.default_rng(seed)
    inputs = [int(n) for n in random.integers(2, 6, size=M)]
    model = layers(random, M, inputs)
    before = {name: {key: value.copy() for key, value in layer.items()} for name, layer in model.items()}
    batches = [{"inputs": [2 * normal(random, B, n) for n in inputs], "labels": random.integers(0, C, size=B)} for _ in range(STEPS)]
    main, bypass = np.zeros(M), np.zeros(M)
    mean_gates, curated, remaining, record = [np.zeros(D)] * M, None, 0, []
    for step, batch in enumerate(batches):
        x, y = batch["inputs"], batch["labels"]
        h = [np.tanh(apply(model[f"encoders.{NAMES[m]}.fc1"], x[m])) for m in range(M)]
        joined = np.concatenate(h, axis=1)
        squeezed = apply(model["fusion.squeeze"], joined)
        u = np.maximum(squeezed, 0)
        computed = [1 / (1 + np.exp(-apply(model[f"fusion.excite.{NAMES[m]}"], u))) for m in range(M)]
        is_curated = [remaining > 0 and curated == m for m in range(M)]
        gates = [np.tile(mean_gates[m], (B, 1)) if is_curated[m] else computed[m] for m in range(M)]
        gated = [gates[m] * h[m] for m in range(M)]
        z = sum(apply(model[f"fusion.head.{NAMES[m]}"], gated[m]) for m in range(M)) / M
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        loss = float(-np.log(p[np.arange(B), y]).mean())

        gradients = {}
        to_heads = (p - np.eye(C)[y]) / B / M
        to_h, to_u = [], np.zeros_like(u)
        for m in range(M):
            gradients[f"fusion.head.{NAMES[m]}"], to_gated = back(model[f"fusion.head.{NAMES[m]}"], gated[m], to_heads)
            to_h.append(to_gated * gates[m])
            through = np.zeros_like(computed[m]) if is_curated[m] else to_gated * h[m] * computed[m] * (1 - computed[m])
            gradients[f"fusion.excite.{NAMES[m]}"], to_squeezed = back(model[f"fusion.excite.{NAMES[m]}"], u, through)
            to_u += to_squeezed
        gradients["fusion.squeeze"], to_joined = back(model["fusion.squeeze"], joined, to_u * (squeezed > 0))
        for m in range(M):
            to_tanh = (to_h[m] + to_joined[:, m * D:(m + 1) * D]) * (1 - h[m] ** 2)
            gradients[f"encoders.{NAMES[m]}.fc1"], _ = back(model[f"encoders.{NAMES[m]}.fc1"], x[m], to_tanh)

        mean_gates = [mean_gates[m] + (computed[m].mean(axis=0) - mean_gates[m]) / (step + 1) for m in range(M)]
        if remaining > 0:
            remaining -= 1
        else:
            for m in range(M):
                encoder = f"encoders.{NAMES[m]}.fc1"
                gates_of = ["fusion.squeeze", f"fusion.excite.{NAMES[m]}"]
                main[m] += squared(gradients[encoder]) / squared(model[encoder])
                bypass[m] += squared(*[gradients[g] for g in gates_of]) / squared(*[model[g] for g in gates_of])
            ratios = np.log10(bypass / main)
            lead = [ratios[m] - np.delete(ratios, m).mean() for m in range(M)]
            if step // STEPS_AN_EPOCH >= OPTIONS["first_epoch"] and max(lead) > OPTIONS["threshold"]:
                curated, remaining = int(np.argmax(lead)), OPTIONS["window"]
        for name, layer in model.items():
            for key in layer:
                layer[key] = layer[key] - RATE * gradients[name][key]
        record.append({"loss": loss, "ratios": np.log10(bypass / main), "curated_next": curated if remaining > 0 else -1})
    return {"inputs": inputs, "before": before, "batches": batches, "steps": record, "mean_gates": mean_gates, "after": model}


def plain(value):
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


# Seeds with which the modality that is curated changes, and steps pass without curation.
runs = {"2": run(2, seed=115), "3": run(3, seed=166)}
settings = {"rate": RATE, "width": D, "classes": C, "steps_an_epoch": STEPS_AN_EPOCH, **OPTIONS}
target = Path(__file__).parent / "golden" / "greedy.json"
target.write_text(json.dumps({"settings": settings, "runs": plain(runs)}, separators=(",", ":")) + "\n")
