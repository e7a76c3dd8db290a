# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# What each component needs besides LibTorch. Used by the project itself and by its installed package.

# Sets <missing> to a sentence that says what the component lacks and how to get it, or to nothing.
function(g2d_find_dependencies component missing)
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
  set(message "")
  if(component MATCHES "^(reference|interop)$")
    # Unversioned: Eigen's own version file accepts one major version only.
    find_package(Eigen3 QUIET CONFIG)
    if(NOT TARGET Eigen3::Eigen OR Eigen3_VERSION VERSION_LESS 3.4)
      set(message "it needs Eigen 3.4 or newer (apt-get install libeigen3-dev)")
    endif()
  elseif(component STREQUAL "data")
    find_package(ZLIB QUIET)
    find_package(SndFile QUIET CONFIG)
    if(NOT TARGET SndFile::sndfile) # Debian's package has no CMake configuration
      find_path(SndFile_INCLUDE_DIR sndfile.h)
      find_library(SndFile_LIBRARY sndfile)
      mark_as_advanced(SndFile_INCLUDE_DIR SndFile_LIBRARY)
      if(SndFile_INCLUDE_DIR AND SndFile_LIBRARY)
        add_library(SndFile::sndfile UNKNOWN IMPORTED GLOBAL)
        set_target_properties(SndFile::sndfile PROPERTIES
          IMPORTED_LOCATION "${SndFile_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${SndFile_INCLUDE_DIR}")
      endif()
    endif()
    if(NOT TARGET ZLIB::ZLIB OR NOT TARGET SndFile::sndfile)
      set(message "it needs zlib and libsndfile (apt-get install zlib1g-dev libsndfile1-dev)")
    endif()
  elseif(component STREQUAL "json")
    find_package(nlohmann_json QUIET CONFIG)
    if(NOT TARGET nlohmann_json::nlohmann_json)
      set(message "it needs nlohmann's JSON library (apt-get install nlohmann-json3-dev)")
    endif()
  endif()
  set(${missing} "${message}" PARENT_SCOPE)
endfunction()
