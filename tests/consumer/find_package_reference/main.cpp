// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#include <g2d/reference/softmax.hpp>

int main() { return g2d::reference::softmax(g2d::reference::Matrix::Ones(1, 4))(0, 0) == 0.25 ? 0 : 1; }
