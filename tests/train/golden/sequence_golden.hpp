// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

// Printed by make_sequence_golden.py, which says how. Do not edit.

#include <string>
#include <vector>

// clang-format off
namespace g2d_test::golden {

inline const std::vector<double> gru = {
    0.121352192142031, -0.0987793856567079, 0.806245901056987, 0.163394093943261,
    0.148307559940231, 0.0653498731665547, 0.0277747550258956, 0.233198000061549,
    0.726975106550748,
};

inline const std::vector<double> gru_two_layers = {
    -0.48896718565023, -0.428849626585933, -0.423933309569131, -0.226243318372281,
    -0.163551607518211, -0.17206436560143, -0.383092784140216, -0.366493593215794,
    -0.427446012257703,
};

inline const std::vector<double> gru_two_layers_bidirectional = {
    -0.314957923681395, -0.5445625240111, 0.643449866735184, -0.126997872967793,
    -0.181721389159998, 0.476594951187978, -0.142966092150973, -0.402480695118272,
    0.0955178582530122, -0.172129429583673, 0.120551627435976, 0.152917462651809,
    -0.299980192947243, -0.509700739265237, 0.634596622746849, -0.281724970593376,
    -0.0941856613765719, 0.26132718711899,
};

inline const std::vector<double> transformer = {
    -0.0585708317377254, 0.616306806039026, 0.0990389785249251, 1.17029400096426,
    -0.747067330177837, 0.278868031305848, -1.86987634189009, 0.733805289364809,
    -0.744248796130896, 0.362092543137712, -0.40470449078343, 0.897509206927972,
    0.0259044159748379, 1.09578719924613, -2.01760178123038, 0.801001422900901,
    0.0358215195255351, 0.849382905000782, 0.29956573347331, 1.29017801874313,
    -0.795141066312938, -0.0457113813497305, -1.96363995824352, 0.623044546890612,
};

inline const std::vector<std::string> transformer_names = {
    "projection.weight",
    "projection.bias",
    "layers.0.self_attn.in_proj_weight",
    "layers.0.self_attn.in_proj_bias",
    "layers.0.self_attn.out_proj.weight",
    "layers.0.self_attn.out_proj.bias",
    "layers.0.linear1.weight",
    "layers.0.linear1.bias",
    "layers.0.linear2.weight",
    "layers.0.linear2.bias",
    "layers.0.norm1.weight",
    "layers.0.norm1.bias",
    "layers.0.norm2.weight",
    "layers.0.norm2.bias",
    "layers.1.self_attn.in_proj_weight",
    "layers.1.self_attn.in_proj_bias",
    "layers.1.self_attn.out_proj.weight",
    "layers.1.self_attn.out_proj.bias",
    "layers.1.linear1.weight",
    "layers.1.linear1.bias",
    "layers.1.linear2.weight",
    "layers.1.linear2.bias",
    "layers.1.norm1.weight",
    "layers.1.norm1.bias",
    "layers.1.norm2.weight",
    "layers.1.norm2.bias",
    "norm.weight",
    "norm.bias",
};

}  // namespace g2d_test::golden
