# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# For our own tests, examples and benchmarks only; nothing here reaches a user's targets.

set(CMAKE_CXX_EXTENSIONS OFF)
add_library(g2d_warnings INTERFACE)
target_compile_options(g2d_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  # GCC takes the sanitizers' own instrumentation for uses of uninitialised values, in the standard library too.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Sanitized>>:-Wno-maybe-uninitialized>)

# By default GCC collects garbage every few megabytes: a fifth of the time that a unit with LibTorch takes.
add_compile_options("$<$<CXX_COMPILER_ID:GNU>:SHELL:--param ggc-min-heapsize=2097152>")

# fmt's functions compiled once, for our own programs; users' and the consumer tests' are header-only.
add_library(g2d_fmt OBJECT "${CMAKE_CURRENT_LIST_DIR}/development/fmt.cpp")
target_link_libraries(g2d_fmt PUBLIC g2d::torch)
target_compile_options(g2d_fmt PUBLIC -UFMT_HEADER_ONLY)

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
  target_link_libraries(${target} PRIVATE ${components} g2d_warnings g2d_fmt)
endfunction()

# Examples and benchmarks, optimised, with the precompiled header that all of them share.
function(g2d_use_everything_optimised target)
  if(NOT TARGET g2d_program_header)
    add_library(g2d_program_header OBJECT "${PROJECT_SOURCE_DIR}/cmake/development/program_header.cpp")
    g2d_use_everything(g2d_program_header)
    target_precompile_headers(g2d_program_header PRIVATE <torch/torch.h> <fmt/format.h> <fmt/ranges.h>)
  endif()
  g2d_use_everything(${target})
  target_precompile_headers(${target} REUSE_FROM g2d_program_header)
endfunction()

# A CTest entry; a program that returns 77 says that it cannot run here. The time limit only ends what hangs: none comes
# near it, on a busy machine neither.
function(g2d_add_ctest name)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES
    TIMEOUT 3600 SKIP_RETURN_CODE 77 ENVIRONMENT "${G2D_RUN_ENVIRONMENT}")
endfunction()

# libgomp's spinning threads are catastrophic on a busy machine; one thread a process also keeps results comparable.
set(G2D_RUN_ENVIRONMENT OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1)
