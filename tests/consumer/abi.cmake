# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# The check of LibTorch's ABI, in projects that are only configured: it refuses another ABI, lets a project go on in the
# same folder once the advice was followed, is not misled by CMAKE_REQUIRED_LIBRARIES, and asks for C++ by its name.
file(REMOVE_RECURSE "${work}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${g2d_build}" --prefix "${work}/installed"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

function(expect text folder languages flags)
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/abi" -B "${work}/${folder}" -G "${generator}"
    -D "consumer_languages=${languages}" -D "CMAKE_CXX_FLAGS=${flags}" -D "CMAKE_CXX_COMPILER=${compiler}"
    -D "Torch_DIR=${Torch_DIR}" -D "CMAKE_PREFIX_PATH=${work}/installed" OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(NOT output MATCHES "${text}")
    message(FATAL_ERROR "languages ${languages}, flags '${flags}': expected '${text}', got:\n${output}")
  endif()
endfunction()

expect("ABI mismatch.*remove -D_GLIBCXX_USE_CXX11_ABI=0" first CXX -D_GLIBCXX_USE_CXX11_ABI=0)
expect("Configuring done" first CXX "")
expect("it needs C\\+\\+, which this project has not enabled" second C "")
