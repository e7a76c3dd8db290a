# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/g2d")
get_property(components GLOBAL PROPERTY G2D_COMPONENTS)
foreach(component IN LISTS components)
  get_target_property(target g2d::${component} ALIASED_TARGET)
  # One export set each, so that a consumer of one component needs only that one's dependencies.
  install(TARGETS ${target} EXPORT g2d-${component} FILE_SET HEADERS)
  install(EXPORT g2d-${component} NAMESPACE g2d:: DESTINATION "${package_dir}")
endforeach()
write_basic_package_version_file("${PROJECT_BINARY_DIR}/g2dConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  cmake/g2dConfig.cmake cmake/G2dTorch.cmake cmake/G2dDependencies.cmake "${PROJECT_BINARY_DIR}/g2dConfigVersion.cmake"
  DESTINATION "${package_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/g2d")
