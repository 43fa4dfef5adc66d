# install() rules: one include/ashlar from both roots, and a package that finds its dependencies again.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ashlar)

install(TARGETS ashlar_core ashlar_policies EXPORT ashlarTargets FILE_SET HEADERS)
install(EXPORT ashlarTargets NAMESPACE ashlar:: DESTINATION ${package_dir})
configure_package_config_file(cmake/ashlarConfig.cmake.in "${PROJECT_BINARY_DIR}/ashlarConfig.cmake"
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ashlarConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/ashlarConfig.cmake" "${PROJECT_BINARY_DIR}/ashlarConfigVersion.cmake"
  cmake/AshlarDependencies.cmake cmake/FindLibTorch.cmake cmake/FindNCCL.cmake DESTINATION ${package_dir})
