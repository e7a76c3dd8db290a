// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
