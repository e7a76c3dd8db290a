#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""A G2D step in Python eager, as eager_bench.cpp takes it in C++, which starts this program and speaks to it in lines.

    eager_step.py THREADS

A line `PROBLEM ORDER STAGE BATCH COUNT` asks for COUNT steps; the answer is the loss of the last one. PROBLEM is resnet18, cnn
or mlp. ORDER is `plain`, layers as Python's users write them, or `library`, the order and layouts of g2d's encoders. STAGE is
`joint`, or `audio-held`: the first encoder does not learn, and runs in evaluation mode without a graph. Another problem, order,
stage or batch than before starts anew. One seed gives the weights and data of the C++ side.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 10


class BasicBlock(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        downsample = None
        if in_channels != out_channels:
            downsample = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = downsample  # Last of the modules, though drawn first: as torchvision does.

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        hidden = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        return functional.relu(self.bn2(self.conv2(hidden)).add_(shortcut), inplace=True)


class ResNet18(nn.Module):
    """torchvision's, without its classifier; in the library's order with the layouts of the benchmarks in C++."""

    def __init__(self, in_library_order: bool, size: int) -> None:
        super().__init__()
        self.in_library_order = in_library_order
        self.width = 512
        self.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        widths = (64, 64, 128, 256, 512)
        self.stages = nn.Sequential(*(
            nn.Sequential(BasicBlock(before, after, 1 if before == after else 2), BasicBlock(after, after, 1))
            for before, after in zip(widths, widths[1:])
        ))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)
        self.layout = torch.channels_last if size > 28 else torch.contiguous_format
        if in_library_order:
            self.to(memory_format=self.layout)
            self.conv1.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x))
        if self.in_library_order:
            x = functional.relu(functional.max_pool2d(x, 3, 2, 1), inplace=True).contiguous(memory_format=self.layout)
        else:
            x = functional.max_pool2d(functional.relu(x, inplace=True), 3, 2, 1)
        return self.stages(x).mean((2, 3))


class SmallCnn(nn.Module):
    def __init__(self, in_library_order: bool, _size: int) -> None:
        super().__init__()
        self.in_library_order = in_library_order
        self.width = 64
        widths = (1, 16, 32, 64)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)) for before, after in zip(widths, widths[1:])
        )
        if in_library_order:
            self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            if self.in_library_order:
                x = functional.relu(functional.max_pool2d(block(x), 2), inplace=True)
            else:
                x = functional.max_pool2d(functional.relu(block(x), inplace=True), 2)
        return x.mean((2, 3))


class Mlp(nn.Sequential):
    def __init__(self, _in_library_order: bool, _size: int) -> None:
        super().__init__(nn.Linear(32, 64), nn.ReLU(inplace=True), nn.Linear(64, 32), nn.ReLU(inplace=True))
        self.width = 32


IMAGES = ((1, 112, 112), (1, 28, 28))
PROBLEMS = {"resnet18": (ResNet18, IMAGES), "cnn": (SmallCnn, IMAGES), "mlp": (Mlp, ((32,), (32,)))}


class Step:
    def __init__(self, problem: str, in_library_order: bool, holds_audio: bool, batch: int) -> None:
        make_encoder, sizes = PROBLEMS[problem]
        # Encoders, heads, inputs, target, teachers: the order in which the C++ side draws.
        torch.manual_seed(0)
        self.encoders = [make_encoder(in_library_order, size[-1]) for size in sizes]
        self.heads = [nn.Linear(encoder.width, CLASSES) for encoder in self.encoders]
        self.inputs = [torch.randn(batch, *size) for size in sizes]
        self.target = torch.randint(CLASSES, (batch,))
        self.taught = [(torch.randn(batch, encoder.width), torch.randn(batch, CLASSES)) for encoder in self.encoders]
        self.holds_audio = holds_audio
        if holds_audio:
            self.encoders[0].requires_grad_(False).eval()
        self.optimizer = torch.optim.SGD(self.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4, fused=True)

    def parameters(self) -> Iterable[nn.Parameter]:
        for module in (*self.encoders, *self.heads):
            yield from module.parameters()

    def features(self) -> list[Tensor]:
        if not self.holds_audio:
            return [encoder(x) for encoder, x in zip(self.encoders, self.inputs)]
        with torch.no_grad():
            audio = self.encoders[0](self.inputs[0])
        return [audio, self.encoders[1](self.inputs[1])]

    def __call__(self) -> Tensor:
        features = self.features()
        logits = sum(head(h) for head, h in zip(self.heads, features)) / len(features)
        loss = functional.cross_entropy(logits, self.target)
        log_student = functional.log_softmax(logits, 1)
        for h, (taught_features, taught_logits) in zip(features, self.taught):
            loss = loss + functional.mse_loss(h, taught_features)
            loss = loss + functional.kl_div(log_student, functional.log_softmax(taught_logits, 1), reduction="batchmean", log_target=True)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]))
    made = step = None
    for line in sys.stdin:
        *which, count = line.split()
        if which != made:
            problem, order, stage, batch = made = which
            step = Step(problem, order == "library", stage == "audio-held", int(batch))
        for _ in range(int(count)):
            loss = step()
        print(loss.item(), flush=True)


if __name__ == "__main__":
    main()
