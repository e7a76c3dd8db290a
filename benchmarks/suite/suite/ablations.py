# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Ablations of G2D: what is changed of the cell that the comparison runs. The first variant changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from .catalogue import Dataset, Json, Method


@dataclass(frozen=True)
class Variant:
    title: str
    settings: Json = field(default_factory=dict)
    fusion: str | None = None


@dataclass(frozen=True)
class Ablation:
    name: str
    title: str
    variants: tuple[Variant, ...]


def _loss_terms() -> tuple[Variant, ...]:
    return (
        Variant("features and logits"),
        Variant("features only", {"logit_weight": 0}),
        Variant("logits only", {"feature_weight": 0}),
        Variant("neither", {"feature_weight": 0, "logit_weight": 0}),
    )


def _formulas(task: str) -> tuple[Variant, ...]:
    logits = ("mse", "cosine") if task == "classification" else ()
    return (
        Variant("features MSE, logits KL" if logits else "features MSE, values MSE"),
        Variant("features cosine", {"feature_distillation": "cosine"}),
        *(Variant(f"logits {name}", {"logit_distillation": name}) for name in logits),
    )


FIXED = {
    "loss-terms": ("Loss terms", _loss_terms()),
    "suppression": ("Suppression", (
        Variant("complete"),
        Variant("partial", {"suppression": "partial"}),
        Variant("zeroed gradients", {"suppression": "zeroed"}),
    )),
    "order": ("Order of the modalities", (
        Variant("weak first"),
        Variant("strong first", {"order": "strong-first"}),
        Variant("random", {"order": "random"}),
    )),
    "stages": ("Share of the epochs in which each modality learns alone", (
        Variant("as compared"),
        Variant("equal stages", {"alone_share": 0}),
        Variant("0.05", {"alone_share": 0.05}),
        Variant("0.1", {"alone_share": 0.1}),
        Variant("0.2", {"alone_share": 0.2}),
    )),
    "learning-rate": ("Learning rate", (
        Variant("as compared"),
        Variant("one schedule over all stages", {"restart_learning_rate": False}),
        Variant("restarted with each stage", {"restart_learning_rate": True}),
    )),
    "confidence": ("Where ρ is measured", (
        Variant("as compared"),
        Variant("training samples", {"confidence": "training"}),
        Variant("held-out samples", {"confidence": "held-out"}),
        Variant("cross-fitted", {"confidence": "cross-fitted"}),
    )),
}
NAMES = (*FIXED, "fusions", "formulas")
FUSIONS = ("sum", "concat", "film", "gated", "late")


def ablation(name: str, method: Method, fusion: str | None, dataset: Dataset) -> Ablation:
    if name == "fusions":
        others = (Variant(other, fusion=other) for other in FUSIONS if other in method.fusions and other != fusion)
        return Ablation(name, "Fusion", (Variant(fusion or "default"), *others))
    if name == "formulas":
        return Ablation(name, "Distillation formulas", _formulas(dataset.task))
    title, variants = FIXED[name]
    return Ablation(name, title, variants)
