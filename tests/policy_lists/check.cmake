# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# cmake -P check.cmake -- <include/g2d> <policy_lists.hpp>
# A header of a family holds a policy when its doc comment says when to use it; its type is named after the file.
set(include "${CMAKE_ARGV4}")
file(READ "${CMAKE_ARGV5}" lists)

set(families distillation distillation/connector encoder fusion initialization method readout schedule suppression task)
foreach(family IN LISTS families)
  set(in_files "")
  file(GLOB headers "${include}/${family}/*.hpp")
  foreach(header IN LISTS headers)
    cmake_path(GET header STEM stem)
    file(STRINGS "${header}" usage REGEX "^/// Use when" LIMIT_COUNT 1)
    if(usage AND NOT stem STREQUAL "any")
      string(REPLACE "_" "" stem "${stem}")
      list(APPEND in_files "${stem}")
    endif()
  endforeach()

  cmake_path(GET family FILENAME scope)
  set(in_lists "")
  string(REGEX MATCHALL "[ <]${scope}::[A-Z][A-Za-z0-9]*" names "${lists}")
  foreach(name IN LISTS names)
    string(REGEX REPLACE ".*::" "" name "${name}")
    string(TOLOWER "${name}" name)
    list(APPEND in_lists "${name}")
  endforeach()
  list(REMOVE_DUPLICATES in_lists)

  list(SORT in_files)
  list(SORT in_lists)
  if(NOT in_files STREQUAL in_lists)
    message(SEND_ERROR "${family}/: the files hold [${in_files}], tests/support/policy_lists.hpp lists [${in_lists}]")
  endif()
endforeach()
