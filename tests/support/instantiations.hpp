// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <torch/torch.h>

// Containers that nearly every test uses: instantiations.cpp compiles them once, no other unit does.
#define G2D_TEST_INSTANTIATIONS(keyword)                     \
  keyword template class std::vector<at::Tensor>;            \
  keyword template class std::vector<bool>;                  \
  keyword template class std::vector<float>;                 \
  keyword template class std::vector<double>;                \
  keyword template class std::vector<std::int64_t>;          \
  keyword template class std::vector<std::size_t>;           \
  keyword template class std::vector<std::string>;           \
  keyword template class std::set<std::string>;              \
  keyword template class std::map<std::string, double>;      \
  keyword template class std::map<std::string, std::string>; \
  keyword template class std::map<std::string, at::Tensor>;

G2D_TEST_INSTANTIATIONS(extern)
