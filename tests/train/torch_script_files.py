# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""TorchScript files for the case tagged [python], saved in training mode, and what they give: `torch_script_files.py FOLDER`."""

import pathlib
import sys

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(5, 3)
        self.scale = torch.full((5,), 2.0)  # Neither parameter nor buffer

    def forward(self, x):
        features = self.body(x) * self.scale
        return features, self.head(features)


folder = pathlib.Path(sys.argv[1])
torch.manual_seed(1)
model = Model()
model(torch.randn(32, 4))  # Norm statistics that are not those of a new layer
torch.jit.script(model).save(folder / "scripted.ts")
model.eval()
x = torch.randn(6, 4)
torch.jit.trace(model, x).save(folder / "traced.ts")
torch.jit.freeze(torch.jit.script(model)).save(folder / "frozen.ts")
features, logits = model(x)
torch.save({**model.state_dict(), "x": x, "features": features.detach(), "logits": logits.detach()}, folder / "expected.pt")
