# All from Debian 12; deps/debian.txt lists the packages and `./do deps` installs them.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

# The serial build of OpenBLAS: our own pool runs the threads, and results do not depend on their number.
find_library(OPENBLAS_LIBRARY NAMES openblas PATH_SUFFIXES openblas-serial REQUIRED
  HINTS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial NO_DEFAULT_PATH)
find_path(OPENBLAS_INCLUDE_DIR NAMES cblas.h REQUIRED
  HINTS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial NO_DEFAULT_PATH)
add_library(attar_openblas INTERFACE)
target_link_libraries(attar_openblas INTERFACE ${OPENBLAS_LIBRARY})
target_include_directories(attar_openblas SYSTEM INTERFACE ${OPENBLAS_INCLUDE_DIR})
