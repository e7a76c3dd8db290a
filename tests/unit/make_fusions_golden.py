# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Writes golden/fusions.json, the fusions of methods computed by their papers' formulas.

    pip install numpy && python make_fusions_golden.py
"""

import json
import pathlib

import numpy as np

random = np.random.default_rng(20)
ROWS, CLASSES = 3, 4
NAMES = ("audio", "image", "text")


def draw(*shape):
    return np.round(random.normal(size=shape), 3)


def softmax(z, axis):
    e = np.exp(z - z.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def head(weights, name, x):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def heads(weights, prefix, ins, outs):
    for name, i, o in zip(NAMES, ins, outs):
        weights[f"{prefix}{name}.weight"] = draw(o, i)
        weights[f"{prefix}{name}.bias"] = draw(o)
    return weights


def cosine(features):
    """Xu et al. 2023, s = 10: z_m = s h_m W_m^T / |h_m| |W_m|."""
    weights = {f"{name}.weight": draw(CLASSES, x.shape[1]) for name, x in zip(NAMES, features)}
    own = []
    for name, x in zip(NAMES, features):
        w = weights[f"{name}.weight"]
        own.append(np.array([[10 * a @ b / (np.sqrt(a @ a) * np.sqrt(b @ b)) for b in w] for a in x]))
    return weights, own, own, features


def shared_head(features):
    """Zhang et al. 2024: w = softmax_m(-entropy_m), per sample."""
    weights = {"output.weight": draw(CLASSES, features[0].shape[1]), "output.bias": draw(CLASSES)}
    own = [head(weights, "output", x) for x in features]
    entropy = np.stack([-(softmax(z, 1) * np.log(softmax(z, 1))).sum(1) for z in own], 1)
    share = softmax(-entropy, 1)
    return weights, own, [share[:, m : m + 1] * z for m, z in enumerate(own)], features


def energy_weighted(features):
    """Zhang et al. 2023: conf = log sum exp(z) / 10."""
    weights = heads({}, "", [x.shape[1] for x in features], [CLASSES] * len(features))
    own = [head(weights, name, x) for name, x in zip(NAMES, features)]
    return weights, own, [z * np.log(np.exp(z).sum(1, keepdims=True)) / 10 for z in own], features


def boosted(features, hidden=5):
    """Hua et al. 2024: s sum_m f(h_m), with a head f of two layers."""
    weights = {"hidden.weight": draw(hidden, features[0].shape[1]), "hidden.bias": draw(hidden),
               "output.weight": draw(CLASSES, hidden), "output.bias": draw(CLASSES), "scale": np.array(0.7)}
    own = [head(weights, "output", np.maximum(head(weights, "hidden", x), 0)) for x in features]
    return weights, own, [0.7 * f for f in own], features


def cross_excitation(features, ratio=4):
    """Joze et al. 2020 on vectors: gates from all features, squeezed to 2 sum D / ratio."""
    widths = [x.shape[1] for x in features]
    squeezed = 2 * sum(widths) // ratio
    weights = {"squeeze.weight": draw(squeezed, sum(widths)), "squeeze.bias": draw(squeezed)}
    heads(weights, "excite.", [squeezed] * len(widths), widths)
    heads(weights, "head.", widths, [CLASSES] * len(widths))
    u = np.maximum(head(weights, "squeeze", np.concatenate(features, 1)), 0)
    gated = [x / (1 + np.exp(-head(weights, f"excite.{name}", u))) for name, x in zip(NAMES, features)]
    own = [head(weights, f"head.{name}", g) for name, g in zip(NAMES, gated)]
    return weights, own, [z / len(own) for z in own], gated


def nested(array):
    return {"shape": list(np.shape(array)), "values": np.ravel(array).tolist()}


cases = []
for modalities in (2, 3):
    for fusion, widths in ((cosine, (2, 5, 3)), (shared_head, (4, 4, 4)), (energy_weighted, (2, 5, 3)),
                           (boosted, (4, 4, 4)), (cross_excitation, (2, 5, 3))):
        features = [draw(ROWS, width) for width in widths[:modalities]]
        weights, own, parts, handed_on = fusion(features)
        cases.append({"fusion": fusion.__name__.replace("_", "-"), "features": [nested(x) for x in features],
                      "parameters": {name: nested(value) for name, value in weights.items()},
                      "own": [nested(z) for z in own], "parts": [nested(z) for z in parts],
                      "logits": nested(sum(parts)), "handed_on": [nested(x) for x in handed_on]})

folder = pathlib.Path(__file__).parent / "golden"
folder.mkdir(exist_ok=True)
(folder / "fusions.json").write_text(json.dumps({"numpy": np.__version__, "cases": cases}, separators=(",", ":")) + "\n")
