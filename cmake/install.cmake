# What `./do install` puts under the prefix: the command, the library, its public headers, and how to find them.
include(CMakePackageConfigHelpers)

set(ATTAR_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/attar)

install(TARGETS attar EXPORT attarTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/attar DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(TARGET attar_cli)
  # Keeps the serial OpenBLAS: see FindSerialOpenBLAS.cmake.
  set_target_properties(attar_cli PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS attar_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# find_package(attar)
install(EXPORT attarTargets NAMESPACE attar:: DESTINATION ${ATTAR_CMAKE_DIR})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/attarConfig.cmake.in ${PROJECT_BINARY_DIR}/attarConfig.cmake
  INSTALL_DESTINATION ${ATTAR_CMAKE_DIR})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/attarConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/attarConfig.cmake ${PROJECT_BINARY_DIR}/attarConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/FindSerialOpenBLAS.cmake ${PROJECT_SOURCE_DIR}/cmake/FindStemmer.cmake DESTINATION ${ATTAR_CMAKE_DIR})

# pkg-config. A static library brings its dependencies along, so they are not private to it.
get_filename_component(PC_OPENBLAS_DIR ${SerialOpenBLAS_LIBRARY} DIRECTORY)
# Relative to the .pc file: the prefix is chosen at install time.
file(RELATIVE_PATH PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" PC_PREFIX "\${pcfiledir}/${PC_PREFIX}")
if(ATTAR_PDF)
  set(PC_PDF " poppler-cpp")
endif()
if(BUILD_SHARED_LIBS)
  set(PC_REQUIRES_KEY Requires.private)
  set(PC_LIBS_SEPARATOR "\nLibs.private: ")
else()
  set(PC_REQUIRES_KEY Requires)
  set(PC_LIBS_SEPARATOR " ")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/attar.pc.in ${PROJECT_BINARY_DIR}/attar.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/attar.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})
