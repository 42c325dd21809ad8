# All from Debian 12; deps/debian.txt lists the packages and `./do deps` installs them.
# What the installed library needs to link stands again in cmake/attarConfig.cmake.in.
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_package(roaring REQUIRED)
find_package(SerialOpenBLAS REQUIRED)
