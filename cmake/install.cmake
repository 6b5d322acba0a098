# What `cmake --install` leaves: headers, both libraries, the command, a CMake package and a
# pkg-config file. tests/consumer/ builds programs against the result.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tessera)

install(DIRECTORY include/tessera DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS tessera_static tessera_shared EXPORT tessera-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT tessera-targets NAMESPACE tessera:: FILE tesseraTargets.cmake
  DESTINATION ${package_dir})

configure_package_config_file(cmake/tesseraConfig.cmake.in
  ${PROJECT_BINARY_DIR}/tesseraConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break callers.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tesseraConfig.cmake
  ${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake DESTINATION ${package_dir})

# The prefix is found from the file's own place, so that the installed tree can be moved.
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" TESSERA_PC_PREFIX "${pc_prefix}")
list(TRANSFORM TESSERA_OPENMP REPLACE "^([^/].*)$" "-l\\1" OUTPUT_VARIABLE openmp_flags)
list(TRANSFORM CMAKE_DL_LIBS PREPEND "-l" OUTPUT_VARIABLE dl_flags)
list(TRANSFORM TESSERA_OPTIONAL_PACKAGES PREPEND ", " OUTPUT_VARIABLE optional_packages)
list(JOIN optional_packages "" TESSERA_PC_OPTIONAL)
list(JOIN dl_flags " " TESSERA_PC_DL)
list(JOIN openmp_flags " " TESSERA_PC_OPENMP)
configure_file(cmake/tessera.pc.in ${PROJECT_BINARY_DIR}/tessera.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tessera.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
