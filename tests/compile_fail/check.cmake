# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# cmake -P check.cmake -- <file> <compiler command>...
foreach(index RANGE 4 ${CMAKE_ARGC})
  if(index LESS CMAKE_ARGC)
    list(APPEND arguments "${CMAKE_ARGV${index}}")
  endif()
endforeach()
list(POP_FRONT arguments file)

file(STRINGS "${file}" expected REGEX "^// expect: ")
string(REPLACE "// expect: " "" expected "${expected}")
if(NOT expected)
  message(FATAL_ERROR "${file} has no line `// expect: <regular expression>`")
endif()

execute_process(COMMAND ${arguments} "${file}" RESULT_VARIABLE failed ERROR_VARIABLE diagnostics)
if(NOT failed)
  message(FATAL_ERROR "${file} compiles with G2D_EXPECT_ERROR, it must be refused")
endif()
if(NOT diagnostics MATCHES "${expected}")
  message(FATAL_ERROR "${file} is refused for another reason than `${expected}`:\n${diagnostics}")
endif()
