# Catch2, version 2 (Debian 12) or 3 (Ubuntu 24.04, Debian 13), and the mains of the tests. Catch's own sources, which
# are a header in version 2, are compiled once for all of them.
#
#   ashlar_catch         headers and support/runner.hpp, for a test with its own main
#   ashlar_catch_main    with the main of one process
#   ashlar_catch_mpi     with the main of several processes, which starts and ends MPI
#   ashlar_catch_world   with the main of tests that include support/world.hpp

add_library(ashlar_catch_headers INTERFACE)
find_package(Catch2 3 CONFIG QUIET)
if(Catch2_FOUND)
  target_link_libraries(ashlar_catch_headers INTERFACE Catch2::Catch2)
else()
  find_path(ASHLAR_CATCH_INCLUDE catch2/catch.hpp)
  mark_as_advanced(ASHLAR_CATCH_INCLUDE)
  if(NOT ASHLAR_CATCH_INCLUDE)
    message(FATAL_ERROR "The tests need Catch2: install catch2, or configure with -DASHLAR_BUILD_TESTS=OFF")
  endif()
  target_include_directories(ashlar_catch_headers SYSTEM INTERFACE "${ASHLAR_CATCH_INCLUDE}")
endif()
target_include_directories(ashlar_catch_headers INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}")

function(_ashlar_add_catch name source)
  add_library(${name} STATIC EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${name} PUBLIC ashlar_catch_headers ${ARGN})
  target_compile_features(${name} PRIVATE cxx_std_20)
  ashlar_own_code(${name} NO_PCH TEST)
endfunction()
if(NOT ASHLAR_TEST_SET STREQUAL "static")
  _ashlar_add_catch(ashlar_catch support/runner.cpp)
  _ashlar_add_catch(ashlar_catch_main support/main.cpp ashlar_catch)
  _ashlar_add_catch(ashlar_catch_world support/world_main.cpp ashlar_catch ashlar::policies)
  if(ASHLAR_WITH_MPI)
    _ashlar_add_catch(ashlar_catch_mpi support/mpi_main.cpp ashlar_catch ashlar::policies)
  endif()
endif()
