#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""What PyTorch's own modules make of three sequences: prints sequence_golden.hpp.

    python tests/train/golden/make_sequence_golden.py > tests/train/golden/sequence_golden.hpp

Weights are drawn in float32 from a seed, then moved by 0.1 sin(i), so that no bias stays 0 and no norm weight 1; all
arithmetic is in float64.
"""

import math

import torch
from torch import nn

SEED = 7
LENGTHS = [4, 1, 3]
NUM_STEPS, IN_FEATURES = 4, 5


def values():
    count = len(LENGTHS) * NUM_STEPS * IN_FEATURES
    return torch.arange(count, dtype=torch.float64).mul(0.7).sin().view(len(LENGTHS), NUM_STEPS, IN_FEATURES)


def moved(module):
    module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.arange(parameter.numel(), dtype=torch.float64).sin().view_as(parameter)
    return module


def gru(layers, bidirectional):
    torch.manual_seed(SEED)
    module = moved(nn.GRU(IN_FEATURES, 3, layers, batch_first=True, bidirectional=bidirectional))
    packed = nn.utils.rnn.pack_padded_sequence(values(), LENGTHS, batch_first=True, enforce_sorted=False)
    last = module(packed)[1]
    return torch.cat(list(last[-2:] if bidirectional else last[-1:]), 1)


def transformer():
    width, heads, feed_forward = 8, 2, 12
    torch.manual_seed(SEED)
    net = nn.Module()
    net.projection = nn.Linear(IN_FEATURES, width)
    net.layers = nn.ModuleList()
    for _ in range(2):
        net.layers.append(nn.TransformerEncoderLayer(width, heads, feed_forward, 0.0, batch_first=True, norm_first=True))
    net.norm = nn.LayerNorm(width)
    moved(net)
    x = net.projection(values())
    for t in range(NUM_STEPS):
        for i in range(width // 2):
            angle = t / 10000 ** (2 * i / width)
            x[:, t, 2 * i] += math.sin(angle)
            x[:, t, 2 * i + 1] += math.cos(angle)
    padding = torch.arange(NUM_STEPS).unsqueeze(0) >= torch.tensor(LENGTHS).unsqueeze(1)
    for layer in net.layers:
        x = layer(x, src_key_padding_mask=padding)
    x = net.norm(x)
    means = [x[b, :length].mean(0) for b, length in enumerate(LENGTHS)]
    return torch.stack(means), [name for name, _ in net.named_parameters()]


def array(name, tensor):
    numbers = [f"{number:.15g}" for number in tensor.flatten().tolist()]
    lines = ["    " + ", ".join(numbers[i : i + 4]) + "," for i in range(0, len(numbers), 4)]
    return "\n".join([f"inline const std::vector<double> {name} = {{"] + lines + ["};"])


def main():
    with torch.no_grad():
        features, names = transformer()
        parts = [
            array("gru", gru(1, False)),
            array("gru_two_layers", gru(2, False)),
            array("gru_two_layers_bidirectional", gru(2, True)),
            array("transformer", features),
        ]
    listed = "\n".join(f'    "{name}",' for name in names)
    parts.append(f"inline const std::vector<std::string> transformer_names = {{\n{listed}\n}};")
    print(
        "// SPDX-FileCopyrightText: 2026 The g2d authors\n// SPDX-License-Identifier: MIT\n#pragma once\n\n"
        "// Printed by make_sequence_golden.py, which says how. Do not edit.\n\n"
        "#include <string>\n#include <vector>\n\n// clang-format off\nnamespace g2d_test::golden {\n\n"
        + "\n\n".join(parts)
        + "\n\n}  // namespace g2d_test::golden"
    )


main()
