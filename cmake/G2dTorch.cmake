# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# Finds LibTorch and gives it one name. Used by the project itself, by its installed package and by tools/setup.sh.

set(G2D_TORCH_MINIMUM 2.11)

# Looks where CMake itself looks (Torch_DIR, CMAKE_PREFIX_PATH, the system), then asks each Python given for its torch
# package. Nothing is loaded yet: the configuration of a CUDA build is a fatal error on a machine without the CUDA toolkit.
# Sets <directory> (the folder of TorchConfig.cmake), <version> and <error>, a sentence, empty on success.
function(g2d_locate_torch directory version error)
  set(found_directory "")
  set(found_version "")
  set(chosen "${Torch_DIR}")
  # No LibTorch satisfies this version, so every one that CMake would consider is listed and none is loaded.
  find_package(Torch 999999 QUIET CONFIG)
  set(Torch_DIR "${chosen}" CACHE PATH "The folder of LibTorch's TorchConfig.cmake" FORCE)
  foreach(config considered IN ZIP_LISTS Torch_CONSIDERED_CONFIGS Torch_CONSIDERED_VERSIONS)
    if(NOT found_directory OR (found_version VERSION_LESS G2D_TORCH_MINIMUM AND NOT chosen))
      cmake_path(GET config PARENT_PATH found_directory)
      set(found_version "${considered}")
    endif()
  endforeach()
  foreach(python IN LISTS ARGN)
    if(NOT found_directory OR (found_version VERSION_LESS G2D_TORCH_MINIMUM AND NOT chosen))
      execute_process(
        COMMAND "${python}" -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
        OUTPUT_VARIABLE package OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
      set(config_version "${package}/share/cmake/Torch/TorchConfigVersion.cmake")
      if(NOT failed AND EXISTS "${config_version}")
        if(found_directory)
          message(STATUS "g2d: LibTorch ${found_version} in ${found_directory} is too old and is passed over")
        endif()
        set(found_directory "${package}/share/cmake/Torch")
        include("${config_version}")
        set(found_version "${PACKAGE_VERSION}")
      endif()
    endif()
  endforeach()

  set(message "")
  if(NOT found_directory)
    set(message "LibTorch ${G2D_TORCH_MINIMUM} or newer was not found; set CMAKE_PREFIX_PATH to its folder, or use a Python that has torch (`make test` and `make demo` install one)")
  elseif(found_version VERSION_LESS G2D_TORCH_MINIMUM)
    set(message "LibTorch ${found_version} in ${found_directory} is too old, g2d needs ${G2D_TORCH_MINIMUM} or newer; set CMAKE_PREFIX_PATH or Torch_DIR to a newer one")
  endif()
  set(${directory} "${found_directory}" PARENT_SCOPE)
  set(${version} "${found_version}" PARENT_SCOPE)
  set(${error} "${message}" PARENT_SCOPE)
endfunction()

# Compares the C++ library's ABI that the compiler uses with the one that LibTorch was built with.
# Asked anew in every configuration, for flags change; with no setting of the project's own checks.
function(g2d_check_torch_abi prefix error)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(NOT CXX IN_LIST languages)
    set(${error} "it needs C++, which this project has not enabled; write project(<name> LANGUAGES CXX), or enable_language(CXX) before it is found" PARENT_SCOPE)
    return()
  endif()
  include(CheckCXXSourceCompiles)
  include(CMakePushCheckState)
  cmake_push_check_state(RESET)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  set(CMAKE_REQUIRED_QUIET ON)
  unset(G2D_COMPILER_USES_CXX11_ABI CACHE)
  check_cxx_source_compiles("
    #include <string>
    #if !_GLIBCXX_USE_CXX11_ABI
    #error other ABI
    #endif
    int main() {}" G2D_COMPILER_USES_CXX11_ABI)
  cmake_pop_check_state()
  file(STRINGS "${prefix}/lib/libc10.so" symbols REGEX "__cxx11" LIMIT_COUNT 1)
  set(message "")
  if(NOT symbols)
    set(message "ABI mismatch: LibTorch in ${prefix} was built with _GLIBCXX_USE_CXX11_ABI=0, g2d needs one built with _GLIBCXX_USE_CXX11_ABI=1 (every LibTorch from 2.7 on that PyTorch publishes)")
  elseif(NOT G2D_COMPILER_USES_CXX11_ABI)
    set(message "ABI mismatch: LibTorch in ${prefix} was built with libstdc++ and _GLIBCXX_USE_CXX11_ABI=1, this compilation is not; remove -D_GLIBCXX_USE_CXX11_ABI=0 or -stdlib=libc++ from its flags")
  endif()
  set(${error} "${message}" PARENT_SCOPE)
endfunction()

# Makes g2d::torch, whichever LibTorch it is. Further arguments: Pythons to ask. Sets <error> as above.
function(g2d_find_torch error)
  set(${error} "" PARENT_SCOPE)
  if(TARGET g2d::torch)
    return()
  endif()
  if(NOT TARGET torch)
    g2d_locate_torch(directory version message ${ARGN})
    if(NOT message)
      cmake_path(GET directory PARENT_PATH prefix) # <prefix>/share/cmake/Torch
      cmake_path(GET prefix PARENT_PATH prefix)
      cmake_path(GET prefix PARENT_PATH prefix)
      g2d_check_torch_abi("${prefix}" message)
    endif()
    if(message)
      set(${error} "${message}" PARENT_SCOPE)
      return()
    endif()

    set(Torch_DIR "${directory}" CACHE PATH "The folder of LibTorch's TorchConfig.cmake" FORCE)
    set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
    if(NOT EXISTS "${prefix}/lib/libtorch_cuda.so")
      # A static dependency that shared builds do not ship; named, or LibTorch's configuration warns that it is missing.
      set(kineto_LIBRARY "${prefix}/lib/libc10.so")
      find_package(Torch REQUIRED CONFIG)
      set(libraries torch)
    else()
      # The configuration of a CUDA build demands the CUDA toolkit, which nothing here needs.
      add_library(g2d::libtorch INTERFACE IMPORTED GLOBAL)
      target_include_directories(g2d::libtorch INTERFACE "${prefix}/include" "${prefix}/include/torch/csrc/api/include")
      # libtorch.so registers the back ends when it is loaded; no symbol of it is used.
      target_link_libraries(g2d::libtorch INTERFACE
        "-Wl,--no-as-needed,${prefix}/lib/libtorch.so,--as-needed" "${prefix}/lib/libtorch_cpu.so" "${prefix}/lib/libc10.so")
      # CUDA's own libraries are found by libtorch_cuda.so when it is loaded.
      target_link_options(g2d::libtorch INTERFACE "-Wl,-rpath,${prefix}/lib" "-Wl,--allow-shlib-undefined")
      set(libraries g2d::libtorch)
    endif()
    message(STATUS "g2d: LibTorch ${version} in ${prefix}")
  else()
    set(libraries torch)
  endif()
  add_library(g2d::torch INTERFACE IMPORTED GLOBAL)
  # LibTorch's include directory carries fmt; header-only use of it cannot clash with a linked libfmt of another version.
  set_target_properties(g2d::torch PROPERTIES
    INTERFACE_LINK_LIBRARIES "${libraries}" INTERFACE_COMPILE_DEFINITIONS FMT_HEADER_ONLY=1)
endfunction()
