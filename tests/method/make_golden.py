# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Golden numbers of the methods, from their formulas in NumPy: golden/formulas.json. Nothing here runs the library."""

import itertools
import json
import math
from pathlib import Path

import numpy as np

rng = np.random.default_rng(7)
B, D, C, M, HIDDEN = 6, 3, 4, 3, 5


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_softmax(z):
    return np.log(softmax(z))


features = [rng.normal(size=(B, D)) for _ in range(M)]
labels = rng.integers(0, C, size=B)
weight = [rng.normal(size=(C, D)) for _ in range(M)]
bias = [rng.normal(size=C) for _ in range(M)]
heads = [h @ w.T + b for h, w, b in zip(features, weight, bias)]
rows = np.arange(B)
golden = {"features": features, "labels": labels, "weight": weight, "bias": bias}


def cross_entropy(z):
    return -log_softmax(z)[rows, labels]


def late(shown):
    """Mean of the heads, with the features of hidden modalities replaced by zeros."""
    return np.mean([(heads[m] if m in shown else np.tile(bias[m], (B, 1))) for m in range(M)], axis=0)


# CML, for each order of removal: the losses of the reduced inputs, and the confidences that rose.
def cml(order):
    shown, subset, plain, spared = list(range(M)), 0.0, 0.0, 0.0
    for m in order[:-1]:
        fuller = late(shown)
        shown = [k for k in shown if k != m]
        reduced = late(shown)
        rise = softmax(reduced).max(axis=1) - softmax(fuller).max(axis=1)
        corrected = (reduced.argmax(axis=1) == labels) & (fuller.argmax(axis=1) != labels)
        subset += cross_entropy(reduced).mean()
        plain += np.maximum(rise, 0).mean()
        spared += np.maximum(np.where(corrected, 0, rise), 0).sum()
    return {"subset": subset, "confidence": plain, "official": spared}


golden["cml"] = {"".join(map(str, order)): cml(list(order)) for order in itertools.permutations(range(M))}


# MBSD over the pairs of heads.
def mbsd(form):
    similarity = distillation = 0.0
    probabilities = [softmax(z) for z in heads]
    for a, b in itertools.combinations(range(M), 2):
        p, q = probabilities[a][rows, labels], probabilities[b][rows, labels]
        right = (heads[a].argmax(axis=1) == labels) | (heads[b].argmax(axis=1) == labels)
        w = np.abs(p - q) * right
        distance = ((probabilities[a] - probabilities[b]) ** 2).mean(axis=1)
        if form == "detached":
            first = (p >= q)[:, None]
            strong, weak = np.where(first, probabilities[a], probabilities[b]), np.where(first, probabilities[b], probabilities[a])
            kl = (strong * (np.log(strong) - np.log(weak))).sum(axis=1)
        else:
            low, high = np.minimum(p, q), np.maximum(p, q)
            kl = low * (np.log(low) - high)
        similarity += (w * distance).mean()
        distillation += (w * kl).mean()
    return {"similarity": similarity, "distillation": distillation}


golden["mbsd"] = {form: mbsd(form) for form in ("detached", "balance_benchmark")}

# LFM.
alignment = []
for a, b in itertools.combinations(range(M), 2):
    p, q = softmax(heads[a]), softmax(heads[b])
    mixture = (p + q) / 2
    alignment.append(0.5 * ((mixture * np.log(mixture / p)).sum(axis=1) + (mixture * np.log(mixture / q)).sum(axis=1)).mean())
polynomial = [.204623704, 3.35472727e-3, 1.22989557e-4, -2.92947416e-6, 2.23835486e-8, -5.39717505e-11]
golden["lfm"] = {"alignment": np.mean(alignment),
                 "fitted": {str(e): sum(c * e**k for k, c in enumerate(polynomial)) for e in (0, 50, 100, 199)}}

# QMF: the history of a step holds its own cross-entropy already.
rank = []
for z in heads:
    sums = cross_entropy(z)
    history = (sums - sums.min()) / (sums.max() - sums.min())
    confidence = np.log(np.exp(z).sum(axis=1)) / 10
    total = 0.0
    for i in range(B):
        j = (i + 1) % B
        total += max(0.0, np.sign(history[i] - history[j]) * (confidence[i] - confidence[j]) - abs(history[i] - history[j]))
    rank.append(total / B)
golden["qmf"] = {"unimodal": [cross_entropy(z).mean() for z in heads], "rank": rank}

# ReconBoost: a shared head with one hidden layer; the learner is modality 1, in the second stage.
first_weight, first_bias = rng.normal(size=(HIDDEN, D)), rng.normal(size=HIDDEN)
second_weight, second_bias, scale = rng.normal(size=(C, HIDDEN)), rng.normal(size=C), 0.7
boosted = [np.maximum(h @ first_weight.T + first_bias, 0) @ second_weight.T + second_bias for h in features]
others = softmax(scale * sum(boosted[m] for m in range(M) if m != 1))
own = softmax(boosted[1])
golden["recon_boost"] = {
    "parameters": [first_weight, first_bias, second_weight, second_bias, np.array(scale)],
    "learner": np.mean((5.0 - 1.0 * others[rows, labels]) * -np.log(own[rows, labels]) / C),
    "first_stage": np.mean((5.0 - 1.0) * -np.log(softmax(boosted[0])[rows, labels]) / C),
    "agreement": np.mean((own - softmax(boosted[0])) ** 2),
    "task": cross_entropy(scale * sum(boosted)).mean(),
}

# MLA: the projection after two mean features, and a projected gradient.
projections = {}
means = [features[0].mean(axis=0), features[1].mean(axis=0)]
gradient = rng.normal(size=(C, D))
for name in ("scalar", "official"):
    P = np.eye(D)
    for r, alpha in zip(means, (0.1, 0.01)):
        k = P @ r
        P = P - np.outer(k, k) / (alpha + r @ k if name == "scalar" else alpha + np.outer(k, r))
        if name == "official":
            P = P / np.linalg.norm(P)
    projections[name] = {"projection": P, "gradient": gradient @ P.T}
golden["mla"] = {"gradient": gradient, **projections}

# PMR: prototypes of four classes, of which the last has no sample; old ones with momentum 0.2.
prototype_labels = np.array([0, 1, 2, 0, 1, 2])
fresh = np.array([features[0][prototype_labels == c].mean(axis=0) for c in range(3)])
old = rng.normal(size=(C, D))
moved = np.vstack([0.8 * fresh + 0.2 * old[:3], old[3]])
q = []
losses = []
for m in range(2):
    similarity = -np.sqrt(((features[m][:, None, :] - moved[None]) ** 2).sum(axis=2) + 1e-12)
    losses.append(cross_entropy(similarity).mean())
    q.append(softmax(similarity)[rows, labels].sum())
ratio = np.array(q) / max(q)
golden["pmr"] = {"labels": prototype_labels, "old": old, "moved": moved, "losses": losses,
                 "soft": np.clip(1 / ratio - 1, 0, 1), "hard": (ratio < 1).astype(float)}

# AGM: responses of all subsets' outputs (by bitmask) and coefficients from scores and their history.
outputs = [rng.normal(size=(B, C)) for _ in range(2**M)]
responses = []
for m in range(M):
    r = np.zeros((B, C))
    for size in range(M):
        for S in itertools.combinations([k for k in range(M) if k != m], size):
            w = math.factorial(size) * math.factorial(M - size - 1) / math.factorial(M)
            mask = sum(1 << k for k in S)
            r += w * (outputs[mask | 1 << m] - (outputs[mask] if S else 0))
    responses.append(r)
N, R = np.array([0.5, 1.1, 0.8]), np.array([0.9, 0.7, 1.0])
ratio_now, ratio_then = np.exp(1.5 * (N.mean() - N)), np.exp(1.5 * (R.mean() - R))
golden["agm"] = {"outputs": outputs, "responses": responses, "scores": N, "history": R,
                 "coefficients": np.exp(2.5 * np.minimum(ratio_then - ratio_now, 10.0))}

# OPM, AMCo, G-Blend, modality valuation of M = 2.
S = np.array([5.0, 2.0, 3.0])
ratios = np.array([S[m] / np.delete(S, m).mean() for m in range(M)])
golden["opm"] = {"scores": S, "rates": np.where(ratios > 1, np.minimum(1, 0.5 * (1 + 0.5 * np.tanh(ratios - 1))), 0)}
mass = softmax(np.concatenate(heads, axis=1)).reshape(B, M, C).sum(axis=2)
golden["amco"] = {"shares": mass.mean(axis=0),
                  "masked": [math.floor(C * math.sin(math.pi / 2 * min(1, e / 0.3))) for e in (0.0, 0.1, 0.2, 0.3, 1.0)]}
gains, overfittings = np.array([0.5, -0.1, 0.3]), np.array([0.2, 0.1, -0.4])
raw = np.maximum(gains, 1e-8) / np.maximum(overfittings**2, 1e-8)
golden["gradient_blending"] = {"gains": gains, "overfittings": overfittings, "weights": raw / raw.sum()}
values = np.zeros((B, M))
for size in range(1, M + 1):
    for S_ in itertools.combinations(range(M), size):
        worth = size * (late(S_).argmax(axis=1) == labels)
        for m in range(M):
            if m in S_:
                values[:, m] += math.factorial(size - 1) * math.factorial(M - size) / math.factorial(M) * worth
            else:
                values[:, m] -= math.factorial(size) * math.factorial(M - size - 1) / math.factorial(M) * worth
golden["valuation"] = {"values": values}


def plain(value):
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


target = Path(__file__).parent / "golden" / "formulas.json"
target.write_text(json.dumps(plain(golden)) + "\n")
