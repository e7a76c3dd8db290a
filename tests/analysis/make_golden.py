# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Writes golden/*.json: the analyses' figures by other routes than the library's, in NumPy.

    pip install numpy && python make_golden.py
"""

import itertools
import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "golden"


def write(name, content):
    FOLDER.mkdir(exist_ok=True)
    as_list = lambda value: value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
    text = json.dumps({"numpy": np.__version__, **content}, default=as_list, separators=(",", ":"))
    (FOLDER / name).write_text(text + "\n")


def normal(random, *shape):
    """Short in the file, exact in float32's and double's decimals alike."""
    return np.round(random.normal(size=shape), 3)


def cka(x, y):
    """By the dependence criterion of the centred kernels."""
    centering = np.eye(len(x)) - 1 / len(x)
    dependence = lambda a, b: np.trace(a @ a.T @ centering @ b @ b.T @ centering)
    return dependence(x, y) / np.sqrt(dependence(x, x) * dependence(y, y))


def procrustes(x, y):
    """What the best rotation leaves, by applying it."""
    width = max(x.shape[1], y.shape[1])
    filled = [np.pad(z - z.mean(0), ((0, 0), (0, width - z.shape[1]))) for z in (x, y)]
    a, b = [z / np.linalg.norm(z) for z in filled]
    left, _, right = np.linalg.svd(a.T @ b)
    return np.linalg.norm(a @ (left @ right) - b) ** 2


def principal_components(x, k):
    """By the covariance."""
    variances, directions = np.linalg.eigh(np.cov(x.T))
    order = np.argsort(variances)[::-1][:k]
    directions = directions[:, order].T
    directions *= np.sign(directions[np.arange(k), np.abs(directions).argmax(1)])[:, None]
    return {"k": k, "directions": directions, "explained": variances[order] / variances.sum(),
            "scores": (x - x.mean(0)) @ directions.T}


def alignments():
    random = np.random.default_rng(0)
    cases = []
    for samples, width, other_width in ((30, 5, 5), (40, 6, 3), (25, 2, 7), (6, 9, 9), (7, 4, 12)):
        x = normal(random, samples, width) + 0.5
        y = np.round(x[:, :1] @ normal(random, 1, other_width) + normal(random, samples, other_width), 3)
        cases.append({
            "x": x, "y": y, "linear_cka": cka(x, y), "procrustes": procrustes(x, y),
            "mean_cosine": np.mean([a @ b / np.sqrt(a @ a * (b @ b)) for a, b in zip(x, y)]) if width == other_width else None,
            "components": principal_components(x, 2),
        })
    return cases


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def newton(gradient_and_curvature, size):
    """Newton's method to the last digit, steps halved while they lead away; the least step where the curvature is singular."""
    parameters = np.zeros(size)
    gradient, curvature = gradient_and_curvature(parameters)
    while np.abs(gradient).max() > 1e-13:
        step = np.linalg.lstsq(curvature, gradient, rcond=1e-10)[0]
        while np.linalg.norm(gradient_and_curvature(parameters - step)[0]) > np.linalg.norm(gradient):
            step = step / 2
        parameters = parameters - step
        gradient, curvature = gradient_and_curvature(parameters)
    return parameters


def multinomial(x, labels, classes, penalty):
    with_one = np.c_[x, np.ones(len(x))]
    penalties = np.repeat(np.r_[np.full(x.shape[1], penalty), 0], classes)

    def step(parameters):
        p = softmax(with_one @ parameters.reshape(-1, classes))
        gradient = (with_one.T @ (p - np.eye(classes)[labels])).ravel() / len(x) + penalties * parameters
        curvature = np.diag(penalties)
        for row, q in zip(with_one, p):
            curvature = curvature + np.kron(np.outer(row, row), np.diag(q) - np.outer(q, q)) / len(x)
        return gradient, curvature

    return newton(step, with_one.shape[1] * classes).reshape(-1, classes)


def bernoulli(x, labels, penalty):
    with_one = np.c_[x, np.ones(len(x))]
    penalties = np.r_[np.full(x.shape[1], penalty), 0]

    def fit(label):
        def step(parameters):
            p = 1 / (1 + np.exp(-with_one @ parameters))
            return (with_one.T @ (p - label) / len(x) + penalties * parameters,
                    with_one.T @ (with_one * (p * (1 - p))[:, None]) / len(x) + np.diag(penalties))
        return newton(step, with_one.shape[1])

    return np.stack([fit(label) for label in labels.T], 1)


def ridge(x, y, penalty):
    """Least squares with the penalty as further samples."""
    width = x.shape[1]
    system = np.r_[np.c_[x, np.ones(len(x))], np.c_[np.sqrt(penalty * len(x)) * np.eye(width), np.zeros(width)]]
    return np.linalg.lstsq(system, np.r_[y, np.zeros((width, y.shape[1]))], rcond=None)[0]


def f1(predicted, true):
    hits = np.sum(predicted & true)
    return 2 * hits / (predicted.sum() + true.sum()) if hits else 0.0


def measures(kind, output, target):
    if kind == "classes":
        said = output.argmax(1)
        return {"accuracy": np.mean(said == target),
                "macro_f1": np.mean([f1(said == c, target == c) for c in range(output.shape[1])])}
    if kind == "labels":
        said, true = output > 0, target > 0.5
        return {"accuracy": np.mean(said == true), "macro_f1": np.mean([f1(a, b) for a, b in zip(said.T, true.T)])}
    errors = output - target
    return {"rmse": np.sqrt(np.mean(errors ** 2)), "mae": np.mean(np.abs(errors)),
            "r2": 1 - np.sum(errors ** 2) / np.sum((target - target.mean(0)) ** 2)}


def probes():
    random = np.random.default_rng(1)
    width, outputs = 5, 3
    truth = normal(random, width, outputs)
    cases = []
    for kind, fit in (("classes", lambda x, y, p: multinomial(x, y, outputs, p)), ("labels", bernoulli), ("values", ridge)):
        splits = {}
        for name, samples in (("train", 40), ("validation", 23), ("test", 31)):
            features = np.round(normal(random, samples, width) * [1, 2, 0.1, 5, 1] + [0, 3, 0, -1, 0], 3)
            features[:, 4] = 1.5  # says nothing, and has no deviation
            output = (features - [0, 3, 0, -1, 1.5]) @ truth + 2 * normal(random, samples, outputs)
            target = {"classes": output.argmax(1), "labels": (output > 1).astype(int), "values": np.round(output, 3)}[kind]
            splits[name] = {"features": features, "target": target}
        train = splits["train"]
        mean, deviation = train["features"].mean(0), train["features"].std(0)
        deviation[deviation < 1e-9] = 1
        fits = []
        for penalty in (3.0, 0.3, 0.03, 0.003):
            model = fit((train["features"] - mean) / deviation, train["target"], penalty)
            weight = model[:-1] / deviation[:, None]
            bias = model[-1] - mean @ weight
            reached = {name: measures(kind, splits[name]["features"] @ weight + bias, splits[name]["target"])
                       for name in ("validation", "test")}
            fits.append({"penalty": penalty, "weight": weight.T, "bias": bias, **reached})
        score = (lambda f: -f["validation"]["rmse"]) if kind == "values" else (lambda f: f["validation"]["accuracy"])
        cases.append({"kind": kind, **splits, "fits": fits, "chosen": max(fits, key=score)["penalty"]})
    return cases


def contributions():
    """Shapley values as means over all orders of joining."""
    random = np.random.default_rng(2)
    cases = []
    for modalities in range(1, 6):
        game = normal(random, 2 ** modalities)
        gains = np.zeros(modalities)
        orders = list(itertools.permutations(range(modalities)))
        for order in orders:
            joined = 0
            for m in order:
                gains[m] += game[joined | 1 << m] - game[joined]
                joined |= 1 << m
        values = gains / len(orders)
        pairs = [abs(a - b) for a, b in itertools.combinations(values, 2)]
        cases.append({"game": game, "values": values, "imbalance": np.mean(pairs) if pairs else None,
                      "normalized": np.mean(pairs) / np.abs(values).sum() if pairs else None,
                      "utilization": [(game[-1] - game[-1 - 2 ** m]) / game[-1] for m in range(modalities)]})
    return cases


def students():
    """Encoders tanh(x A^T + a), fused by the mean of the heads h W^T + w; every subset by bitmask."""
    random = np.random.default_rng(3)
    samples, classes = 40, 3
    cases = []
    for widths in ((3, 4), (3, 4, 2)):
        inputs = [normal(random, samples, width + 1) for width in widths]
        encoders = [{"weight": normal(random, width, width + 1), "bias": normal(random, width)} for width in widths]
        heads = [{"weight": normal(random, classes, width), "bias": normal(random, classes)} for width in widths]
        present = random.uniform(size=(samples, len(widths))) < 0.8
        encode = lambda x, e: np.tanh(x @ e["weight"].T + e["bias"])
        features = [encode(x, e) * present[:, [m]] for m, (x, e) in enumerate(zip(inputs, encoders))]
        silent = {"zero_features": [np.zeros_like(h) for h in features],
                  "zero_input": [encode(0 * x, e) for x, e in zip(inputs, encoders)]}
        fuse = lambda hs: np.mean([h @ head["weight"].T + head["bias"] for h, head in zip(hs, heads)], 0)
        target = (fuse(features) + 0.5 * normal(random, samples, classes)).argmax(1)
        subsets = {}
        for name, replacements in silent.items():
            subsets[name] = [measures("classes", fuse([h if subset >> m & 1 else r for m, (h, r) in
                                                       enumerate(zip(features, replacements))]), target)
                             for subset in range(2 ** len(widths))]
        cases.append({"inputs": inputs, "encoders": encoders, "heads": heads, "present": present.tolist(), "target": target,
                      "features": features, "subsets": subsets})
    return cases


write("alignment.json", {"cases": alignments()})
write("probe.json", {"cases": probes()})
write("contribution.json", {"cases": contributions()})
write("student.json", {"cases": students()})
