# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Golden numbers of AGM, MMPareto, PMR, MSLR and MSES over several steps or epochs: golden/gradients.json.

Gradients are written out by hand for encoders tanh(W x + b) with linear heads; nothing here runs the library.
"""

import itertools
import json
import math
from pathlib import Path

import numpy as np

B, C, RATE = 6, 4, 0.2
IN, WIDTHS = [5, 2, 3, 4], [3, 2, 4, 3]


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy_gradient(z, y):
    return (softmax(z) - np.eye(C)[y]) / len(y)


class Linear:
    def __init__(self, rng, inputs, outputs):
        self.W, self.b = rng.normal(size=(outputs, inputs)), rng.normal(size=outputs)

    def __call__(self, x):
        return x @ self.W.T + self.b

    def gradients(self, x, dz):
        return [dz.T @ x, dz.sum(axis=0)]

    def move(self, gradients):
        self.W, self.b = self.W - RATE * gradients[0], self.b - RATE * gradients[1]


def values(layers):
    return [tensor for layer in layers for tensor in (layer.W.copy(), layer.b.copy())]


def encoder_gradients(encoder, x, h, dh):
    return encoder.gradients(x, dh * (1 - h**2))


def shapley_weight(size, M):
    return math.factorial(size) * math.factorial(M - size - 1) / math.factorial(M)


def agm(M, alpha, cap, steps):
    """Late fusion, hidden modalities have zero features; every subset's output is differentiated by itself."""
    rng = np.random.default_rng(20 + M)
    encoders = [Linear(rng, IN[m], WIDTHS[m]) for m in range(M)]
    heads = [Linear(rng, WIDTHS[m], C) for m in range(M)]
    case = {"initial": values(encoders + heads), "inputs": [], "labels": [], "coefficients": [], "history": []}
    history = np.zeros(M)
    subsets = [S for size in range(1, M + 1) for S in itertools.combinations(range(M), size)]
    for t in range(1, steps + 1):
        x, y = [rng.normal(size=(B, IN[m])) for m in range(M)], rng.integers(0, C, size=B)
        h = [np.tanh(encoders[m](x[m])) for m in range(M)]
        shown = {S: [h[m] if m in S else np.zeros_like(h[m]) for m in range(M)] for S in subsets}
        z = {S: sum(heads[m](shown[S][m]) for m in range(M)) / M for S in subsets}
        share = {}  # of z_S in r_m
        for m in range(M):
            for S in [()] + subsets:
                if m in S:
                    continue
                w = shapley_weight(len(S), M)
                share[m, tuple(sorted(S + (m,)))] = w
                if S:
                    share[m, S] = -w
        r = [sum(share[m, S] * z[S] for S in subsets if (m, S) in share) for m in range(M)]
        np.testing.assert_allclose(sum(r), z[subsets[-1]])
        N = np.array([-np.log(np.maximum(softmax(r[m])[np.arange(B), y], 1e-8)).mean() for m in range(M)])
        ratio = np.exp(M / (M - 1) * (N.mean() - N))
        tau = np.exp(M / (M - 1) * (history.mean() - history))
        c = np.exp(alpha * np.minimum(tau - ratio, cap))
        history = history * (t - 1) / t + N / t
        dz = cross_entropy_gradient(z[subsets[-1]], y)
        head_sums = [[0, 0] for _ in range(M)]
        dh = [np.zeros_like(h[m]) for m in range(M)]
        for S in subsets:
            dz_S = dz * sum(c[m] * share.get((m, S), 0) for m in range(M))
            for m in range(M):
                head_sums[m] = [a + b for a, b in zip(head_sums[m], heads[m].gradients(shown[S][m], dz_S / M))]
                if m in S:
                    dh[m] += dz_S @ heads[m].W / M
        for m in range(M):
            encoder = encoder_gradients(encoders[m], x[m], h[m], dh[m])
            encoders[m].move(encoder)
            heads[m].move(head_sums[m])
        for key, value in (("inputs", x), ("labels", y), ("coefficients", c), ("history", history.copy())):
            case[key].append(value)
    return {**case, "modalities": M, "alpha": alpha, "cap": cap, "final": values(encoders + heads)}


def mm_pareto(M, seed, gamma):
    """Concatenation with one head, and an own head for each modality; one step."""
    rng = np.random.default_rng(seed)
    encoders = [Linear(rng, IN[m], WIDTHS[m]) for m in range(M)]
    head = Linear(rng, sum(WIDTHS[:M]), C)
    own = [Linear(rng, WIDTHS[m], C) for m in range(M)]
    case = {"initial": values(encoders + [head] + own), "gamma": gamma}
    x, y = [rng.normal(size=(B, IN[m])) for m in range(M)], rng.integers(0, C, size=B)
    h = [np.tanh(encoders[m](x[m])) for m in range(M)]
    joined = np.concatenate(h, axis=1)
    dz = cross_entropy_gradient(head(joined), y)
    dh = np.split(dz @ head.W, np.cumsum(WIDTHS[: M - 1]), axis=1)
    conflicts, weights = [], []
    for m in range(M):
        dz_m = cross_entropy_gradient(own[m](h[m]), y)
        f = encoder_gradients(encoders[m], x[m], h[m], dh[m])
        u = encoder_gradients(encoders[m], x[m], h[m], dz_m @ own[m].W)
        flat_f, flat_u = (np.concatenate([g.ravel() for g in gs]) for gs in (f, u))
        A, D, E = flat_f @ flat_f, flat_f @ flat_u, flat_u @ flat_u
        k = 0.5 if D > 0 else (E - D) / (A + E - 2 * D)
        conflicts.append(bool(D <= 0))
        weights.append(k)
        new = []
        for a, b in zip(f, u):
            n = 2 * k * a + 2 * (1 - k) * b
            new.append(gamma * n * max(1, np.linalg.norm(a + b) / np.linalg.norm(n)))
        own_gradients = own[m].gradients(h[m], dz_m)
        encoders[m].move(new)
        own[m].move(own_gradients)
    head.move(head.gradients(joined, dz))
    return {**case, "modalities": M, "inputs": x, "labels": y, "conflicts": conflicts, "weights": weights,
            "final": values(encoders + [head] + own)}


def mixed_mm_pareto(M):
    """The first seed under which some encoders are in conflict and others are not."""
    for seed in itertools.count(100 * M):
        case = mm_pareto(M, seed, 1.5)
        if len(set(case["conflicts"])) == 2:
            return case


def pmr(kind, momentum=0.3, alpha=0.7, M=3):
    """Four epochs' prototypes from small tables (a class is missing in some), then the loss of one batch, and its gradient."""
    rng = np.random.default_rng(31)
    tables, known = [], [np.zeros(C, bool) for _ in range(M)]
    P = [np.zeros((C, WIDTHS[m])) for m in range(M)]
    for epoch in range(4):
        labels = np.array([0, 1, 1, 2, 0, 2, 1]) if epoch != 2 else np.array([3, 1, 1, 3, 1, 3, 1])
        h = [rng.normal(size=(7, WIDTHS[m])) for m in range(M)]
        present = rng.random(size=(7, M)) > 0.2
        present[labels == 3, 2] = False
        tables.append({"features": h, "labels": labels, "present": present})
        for m in range(M):
            for c in range(C):
                mine = present[:, m] & (labels == c)
                if not mine.any():
                    continue
                mean = h[m][mine].mean(axis=0)
                P[m][c] = (1 - momentum) * mean + momentum * P[m][c] if known[m][c] and epoch > 1 else mean
                known[m][c] = True
    h, y = [rng.normal(size=(B, WIDTHS[m])) for m in range(M)], np.array([0, 1, 2, 3, 1, 0])
    present = np.ones((B, M), bool)
    present[1, 0] = present[4, 2] = False
    q, losses, gradients = [], [], []
    for m in range(M):
        counts = present[:, m] & known[m][y]
        loss, score, gradient = 0.0, 0.0, np.zeros_like(h[m])
        for i in np.flatnonzero(counts):
            difference = h[m][i] - P[m]
            distance = np.linalg.norm(difference, axis=1)
            p = np.where(known[m], np.exp(-distance), 0)
            p = p / p.sum()
            score += p[y[i]]
            loss -= np.log(p[y[i]]) / counts.sum()
            dD = (p - np.eye(C)[y[i]]) / counts.sum()
            gradient[i] = (dD[:, None] * -difference / distance[:, None])[known[m]].sum(axis=0)
        q.append(score / max(counts.sum(), 1))
        losses.append(loss)
        gradients.append(gradient)
    rho = np.array(q) / max(q)
    w = np.clip(1 / rho - 1, 0, 1) if kind == "soft" else (rho < 1).astype(float)
    return {"momentum": momentum, "alpha": alpha, "tables": tables, "prototypes": P, "known": known, "features": h,
            "labels": y, "present": present, "terms": [w[m] * losses[m] for m in range(M)],
            "gradients": [alpha * w[m] * gradients[m] for m in range(M)]}


def mslr(cumulative, initial=(0.9, 1.1), history=5, epochs=14):
    rng = np.random.default_rng(41)
    accuracies = rng.uniform(0.2, 0.9, size=(epochs, 2))
    factors, now = [], list(initial)
    for e in range(epochs):
        for m in range(2):
            if cumulative:
                if (e + 1) % history == 0:
                    now[m] *= accuracies[e, m] / accuracies[e - history + 1 : e + 1, m].mean()
            elif e >= history:
                now[m] = initial[m] * accuracies[e, m] / accuracies[e - history : e, m].mean()
        factors.append(list(now))
    return {"initial": initial, "history": history, "accuracies": accuracies, "factors": factors}


def mses(patience=3, epochs=16):
    """Validation losses that fall and rise again, with noise; after each epoch who has stopped, and the best epochs."""
    rng = np.random.default_rng(51)
    lowest, e = np.array([2.0, 6.0, 9.0]), np.arange(epochs)[:, None]
    losses = 1.0 + 0.05 * (e - lowest) ** 2 + rng.normal(0, 0.1, size=(epochs, 3))
    best, least, stopped = np.zeros(3, int), np.full(3, np.inf), np.zeros(3, bool)
    rows = []
    for t in range(epochs):
        smoothed = losses[0] if t == 0 else 0.6 * losses[t - 1] + 0.4 * losses[t]
        for m in range(3):
            if stopped[m]:
                continue
            if smoothed[m] < least[m]:
                least[m], best[m] = smoothed[m], t
            elif t - best[m] > patience:
                stopped[m] = True
        rows.append({"stopped": stopped.copy(), "best": best.copy()})
    assert stopped.all()
    return {"patience": patience, "losses": losses, "after": rows}


def plain(value):
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


golden = {
    "agm": [agm(M, alpha=1.3, cap=0.2 if M == 4 else 10.0, steps=3) for M in (2, 3, 4)],
    "mm_pareto": [mixed_mm_pareto(M) for M in (2, 3, 4)],
    "pmr": {kind: pmr(kind) for kind in ("soft", "hard")},
    "mslr": {"relative": mslr(False), "cumulative": mslr(True)},
    "mses": mses(),
}
target = Path(__file__).parent / "golden" / "gradients.json"
target.write_text(json.dumps(plain(golden), separators=(",", ":")) + "\n")
