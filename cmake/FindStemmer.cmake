# Stemmer::Stemmer — libstemmer, the Snowball stemmers; Debian ships neither a CMake nor a pkg-config file of it.
find_library(Stemmer_LIBRARY NAMES stemmer)
find_path(Stemmer_INCLUDE_DIR NAMES libstemmer.h)
mark_as_advanced(Stemmer_LIBRARY Stemmer_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Stemmer
  REQUIRED_VARS Stemmer_LIBRARY Stemmer_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install libstemmer-dev")

if(Stemmer_FOUND AND NOT TARGET Stemmer::Stemmer)
  add_library(Stemmer::Stemmer UNKNOWN IMPORTED)
  set_target_properties(Stemmer::Stemmer PROPERTIES
    IMPORTED_LOCATION "${Stemmer_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Stemmer_INCLUDE_DIR}")
endif()
