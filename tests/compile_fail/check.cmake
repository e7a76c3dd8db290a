# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# cmake -P check.cmake -- <file> <build tree>
# Compiles the file as the build does, but with -DG2D_EXPECT_ERROR. Reading compile_commands.json as JSON takes seconds.
set(file "${CMAKE_ARGV4}")
set(tree "${CMAKE_ARGV5}")

file(STRINGS "${file}" expected REGEX "^// expect: ")
string(REPLACE "// expect: " "" expected "${expected}")
if(NOT expected)
  message(FATAL_ERROR "${file} has no line `// expect: <regular expression>`")
endif()

file(READ "${tree}/compile_commands.json" commands)
if(NOT commands MATCHES "\"command\": \"([^\n]*)\",\n *\"file\": \"${file}\"")
  message(FATAL_ERROR "compile_commands.json has no ${file}")
endif()
string(REGEX REPLACE " -o [^ ]+ -c " " -fsyntax-only -DG2D_EXPECT_ERROR " command "${CMAKE_MATCH_1}")
separate_arguments(command UNIX_COMMAND "${command}")
execute_process(COMMAND ${command} WORKING_DIRECTORY "${tree}" RESULT_VARIABLE failed ERROR_VARIABLE diagnostics)
if(NOT failed)
  message(FATAL_ERROR "${file} compiles with G2D_EXPECT_ERROR, it must be refused")
endif()
if(NOT diagnostics MATCHES "${expected}")
  message(FATAL_ERROR "${file} is refused for another reason than `${expected}`:\n${diagnostics}")
endif()
