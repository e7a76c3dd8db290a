# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# cmake -P locate_torch.cmake: prints which LibTorch the project would use, or fails.
include("${CMAKE_CURRENT_LIST_DIR}/../cmake/G2dTorch.cmake")
g2d_locate_torch(directory version error "${CMAKE_CURRENT_LIST_DIR}/../build/python/bin/python" python3)
if(error)
  message(FATAL_ERROR "${error}")
endif()
message(STATUS "LibTorch ${version}: ${directory}")
