# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# Configures, builds and runs tests/consumer/<consumer>. What it finds with find_package is a real installation, moved to
# another place after it was installed.
file(REMOVE_RECURSE "${work}")
set(options -D "Torch_DIR=${Torch_DIR}")
if(consumer STREQUAL "add_subdirectory")
  list(APPEND options -D "g2d_source=${g2d_source}")
else()
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${g2d_build}" --prefix "${work}/installed"
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  file(RENAME "${work}/installed" "${work}/moved")
  list(APPEND options -D "CMAKE_PREFIX_PATH=${work}/moved")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/${consumer}" -B "${work}/build" -G "${generator}"
  -D "CMAKE_CXX_COMPILER=${compiler}" ${options} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${work}/build" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${work}/build/consumer" COMMAND_ERROR_IS_FATAL ANY)
