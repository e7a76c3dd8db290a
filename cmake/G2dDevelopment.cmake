# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# For our own tests, examples and benchmarks only; nothing here reaches a user's targets.

set(CMAKE_CXX_EXTENSIONS OFF)
add_library(g2d_warnings INTERFACE)
target_compile_options(g2d_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  # GCC takes the sanitizers' own instrumentation for uses of uninitialised values, in the standard library too.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Sanitized>>:-Wno-maybe-uninitialized>)

find_program(CCACHE_PROGRAM ccache)
mark_as_advanced(CCACHE_PROGRAM)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness is what ccache asks for to cache compilations with a precompiled header; the rest makes a second
  # clone elsewhere hit what the first one stored.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${CCACHE_PROGRAM}")
  add_compile_options("$<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>" "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

# Every component that was found, and the warnings.
function(g2d_use_everything target)
  get_property(components GLOBAL PROPERTY G2D_COMPONENT_TARGETS)
  target_link_libraries(${target} PRIVATE ${components} g2d_warnings)
endfunction()

# A CTest entry; a program that returns 77 says that it cannot run here.
function(g2d_add_ctest name timeout)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES
    TIMEOUT ${timeout} SKIP_RETURN_CODE 77 ENVIRONMENT "${G2D_RUN_ENVIRONMENT}")
endfunction()

# libgomp's spinning threads are catastrophic on a busy machine; one thread a process also keeps results comparable.
set(G2D_RUN_ENVIRONMENT OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1)
