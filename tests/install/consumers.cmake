# The install test, run by ctest; see CMakeLists.txt for what it is given.

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGV " " line)
    message(FATAL_ERROR "failed (${status}): ${line}\n${output}")
  endif()
endfunction()

# The program prints the version of the library that it was linked with.
function(expect_version program how)
  execute_process(COMMAND ${program} RESULT_VARIABLE status OUTPUT_VARIABLE output OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT status EQUAL 0 OR NOT output STREQUAL VERSION)
    message(FATAL_ERROR "the program built with ${how} ended with ${status} and printed '${output}', not '${VERSION}'")
  endif()
  message(STATUS "${how}: builds, links and runs")
endfunction()

set(prefix ${WORK_DIR}/prefix)
set(consumer ${CMAKE_CURRENT_LIST_DIR}/consumer)
file(REMOVE_RECURSE ${WORK_DIR})
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix})

# The prefix must stand alone: a path into the sources or the build would break once they are gone.
file(GLOB_RECURSE described ${prefix}/*.cmake ${prefix}/*.pc)
list(LENGTH described count)
if(count LESS 5)
  message(FATAL_ERROR "the prefix holds only ${count} CMake and pkg-config files: ${described}")
endif()
foreach(file ${described})
  file(READ ${file} text)
  foreach(path ${SOURCE_DIR} ${BUILD_DIR})
    string(FIND "${text}" "${path}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${file} names ${path}")
    endif()
  endforeach()
endforeach()

# Every public header must compile on its own, so each becomes a source file of the consumer.
file(GLOB headers RELATIVE ${prefix}/${INCLUDEDIR} ${prefix}/${INCLUDEDIR}/attar/*.h)
if(NOT headers)
  message(FATAL_ERROR "no public header under ${prefix}/${INCLUDEDIR}/attar")
endif()
foreach(header ${headers})
  get_filename_component(name ${header} NAME_WE)
  file(WRITE ${WORK_DIR}/headers/${name}.cpp "#include \"${header}\"\n#include \"${header}\"\n")
endforeach()

run(${CMAKE_COMMAND} -S ${consumer} -B ${WORK_DIR}/build -G Ninja -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_PREFIX_PATH=${prefix}
  -D ATTAR_HEADER_SOURCES=${WORK_DIR}/headers)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)
expect_version(${WORK_DIR}/build/consumer find_package)

set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)
execute_process(COMMAND ${PKG_CONFIG} --cflags --libs attar OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
run(${CXX} -std=c++23 ${consumer}/main.cpp -o ${WORK_DIR}/consumer
  -Wl,--whole-archive ${prefix}/${LIBDIR}/libattar.a -Wl,--no-whole-archive ${flags})
expect_version(${WORK_DIR}/consumer pkg-config)
