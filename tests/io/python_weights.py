# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Python's side of the tests of weight files: `python_weights.py COMMAND ARGUMENT...` (see the functions below)."""

import argparse
import collections
import importlib
import sys

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))) + shortcut)


class ResNet18(nn.Module):
    """ResNet-18 with torchvision's names, its classifier included."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Block(64, 64, 1), Block(64, 64, 1))
        self.layer2 = nn.Sequential(Block(64, 128, 2), Block(128, 128, 1))
        self.layer3 = nn.Sequential(Block(128, 256, 2), Block(256, 256, 1))
        self.layer4 = nn.Sequential(Block(256, 512, 2), Block(512, 512, 1))
        self.fc = nn.Linear(512, 1000)

    def features(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))


def has(module):
    """Succeeds where `module` can be imported."""
    sys.exit(importlib.util.find_spec(module) is None)


def load(path):
    if path.endswith(".safetensors"):
        return importlib.import_module("safetensors.torch").load_file(path)
    return torch.load(path)


def save(tensors, path):
    if path.endswith(".safetensors"):
        tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
        importlib.import_module("safetensors.torch").save_file(tensors, path)
    else:
        torch.save(tensors, path)


def copy(source, target):
    """Loads all tensors of a file and saves them again."""
    save(load(source), target)


def write_resnet(weights, case):
    """Saves a trained-looking ResNet-18 with three input channels, an input and the features of it."""
    torch.manual_seed(5)
    net = ResNet18(3)
    net.features(torch.randn(8, 3, 64, 48))  # moves the running statistics
    net.eval()
    images = torch.randn(2, 3, 64, 48)
    save(net.state_dict(), weights)
    with torch.no_grad():
        torch.save({"input": images, "features": net.features(images)}, case)


def check_resnet(weights, case):
    """Succeeds where a file's weights, fc apart, are those of a ResNet-18 that gives the case's features."""
    net = ResNet18(1)
    state = load(weights)
    expected = [name for name in net.state_dict() if not name.startswith("fc.")]
    assert sorted(state) == sorted(expected), "names differ"
    if weights.endswith(".pt"):
        assert list(state) == expected, "the order differs"
    net.load_state_dict(state, strict=False)
    net.eval()
    data = torch.load(case)
    with torch.no_grad():
        torch.testing.assert_close(net.features(data["input"]), data["features"], rtol=1e-5, atol=1e-5)


def write_pt_cases(folder):
    """Files of torch.save: readable ones, and some that only Python can read."""
    x = torch.arange(6.0).reshape(2, 3)
    torch.save(collections.OrderedDict(a=x), f"{folder}/ordered.pt")
    torch.save({"a": x}, f"{folder}/plain.pt")
    optimizer = torch.optim.Adam([nn.Parameter(x.clone())])
    optimizer.param_groups[0]["params"][0].grad = torch.ones_like(x)
    optimizer.step()
    nested = {"epoch": 3, "big": 2**40, "name": "run", "model": nn.Linear(3, 2).state_dict(), "list": [x, {"y": x[0]}],
              "rate": 0.1, "none": None, "flags": (True, False), "optimizer": optimizer.state_dict(), 7: x.size()}
    torch.save(nested, f"{folder}/nested.pt")
    shared = torch.arange(10)
    views = {"whole": shared, "part": shared[2:5], "transposed": x.t(), "parameter": nn.Parameter(x)}
    torch.save(views, f"{folder}/views.pt")
    torch.save(nn.Linear(2, 2), f"{folder}/module.pt")
    torch.save({"args": argparse.Namespace(a=1)}, f"{folder}/namespace.pt")
    torch.save({"a": x}, f"{folder}/legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"uint16": x.to(torch.uint16), "float8": x.to(torch.float8_e4m3fn), "complex": x.to(torch.complex64)},
               f"{folder}/rare.pt")
    conjugate = torch.complex(x, x).conj()
    lazy = {"imag": conjugate.imag, "part": conjugate.imag[1], "conj": torch.complex(x, x).conj(),
            "both": torch._neg_view(-x)}
    torch.save(lazy, f"{folder}/lazy.pt")
    torch.save({"a": x.to(torch.uint8).view(torch.bits8)}, f"{folder}/bits.pt")
    torch.save({"a": x}, f"{folder}/protocol4.pt", pickle_protocol=4)
    torch.save(x, f"{folder}/tensor.pt")
    torch.save({(1, 2): x}, f"{folder}/tuple_key.pt")
    torch.save({"a.b": x, "a": {"b": x}}, f"{folder}/twice.pt")
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), f"{folder}/script.pt")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
