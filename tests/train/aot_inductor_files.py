# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""AOTInductor packages for the case tagged [python], and what their models give: `aot_inductor_files.py FOLDER`."""

import os
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
os.environ["TMPDIR"] = str(folder)  # Before torch asks: the compiler's caches go there

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(5, 3)
        self.scale = torch.full((5,), 2.0, dtype=torch.double)  # Neither parameter nor buffer

    def forward(self, x):
        features = self.body(x) * self.scale
        return features, self.head(features)


class OverTime(nn.Module):
    """An operator that autocast knows and for which torch.export fixes the batch."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, 5, 5))

    def forward(self, x, lengths):
        features = torch.conv_tbc(x, self.weight, self.weight.new_zeros(5)).sum(1) / lengths.unsqueeze(1)
        return features, features[:, :3]


class Three(nn.Module):
    def forward(self, x):
        return x + 1, x + 2, x + 3


def save(file, model, *arguments, dynamic_shapes=None):
    exported = torch.export.export(model.eval(), arguments, dynamic_shapes=dynamic_shapes)
    quick = {"aot_inductor.compile_wrapper_opt_level": "O0", "aot_inductor.precompile_headers": False}
    torch._inductor.aoti_compile_and_package(exported, package_path=str(folder / file), inductor_configs=quick)


torch.manual_seed(1)
model = Model().double()
model(torch.randn(32, 4, dtype=torch.double))  # Norm statistics that are not those of a new layer
x = torch.randn(6, 4, dtype=torch.double)
save("audio.pt2", model, x, dynamic_shapes=({0: torch.export.Dim("batch")},))
save("three.pt2", Three(), x.unsqueeze(1))
over_time, sequences, lengths = OverTime(), torch.randn(6, 4, 5), torch.tensor([4, 3, 2, 1, 4, 3])
save("fixed.pt2", over_time, sequences, lengths)
with torch.no_grad():
    features, logits = model(x)
    given = {"x": x, "features": features, "logits": logits, "sequences": sequences, "lengths": lengths}
    torch.save({**given, "over_time": over_time(sequences, lengths)[0]}, folder / "expected.pt")
