# OpenBLAS::Serial — the serial build of OpenBLAS, which Debian keeps in a folder of its own.
#
# Serial, because our own pool runs the threads and results must not depend on their number. The folder is part of the
# link (rpath too): the soname is the same as that of the threaded builds, and the loader's alternatives would choose.
if(CMAKE_LIBRARY_ARCHITECTURE)
  set(_serial_openblas ${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial)
else()
  set(_serial_openblas openblas-serial)
endif()
find_library(SerialOpenBLAS_LIBRARY NAMES openblas HINTS /usr/lib/${_serial_openblas} NO_DEFAULT_PATH)
find_path(SerialOpenBLAS_INCLUDE_DIR NAMES cblas.h HINTS /usr/include/${_serial_openblas} NO_DEFAULT_PATH)
mark_as_advanced(SerialOpenBLAS_LIBRARY SerialOpenBLAS_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SerialOpenBLAS
  REQUIRED_VARS SerialOpenBLAS_LIBRARY SerialOpenBLAS_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install libopenblas-serial-dev, or set both variables to a serial build")

if(SerialOpenBLAS_FOUND AND NOT TARGET OpenBLAS::Serial)
  add_library(OpenBLAS::Serial UNKNOWN IMPORTED)
  set_target_properties(OpenBLAS::Serial PROPERTIES
    IMPORTED_LOCATION "${SerialOpenBLAS_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${SerialOpenBLAS_INCLUDE_DIR}")
endif()
unset(_serial_openblas)
