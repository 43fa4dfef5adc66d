# Catch2, version 2 (Debian 12) or 3 (Ubuntu 24.04, Debian 13).
#
#   ashlar_catch         headers, for a test with its own main
#   ashlar_catch_main    with Catch's main
#   ashlar_catch_mpi     with the main of tests/support/mpi_main.cpp, which starts and ends MPI

add_library(ashlar_catch INTERFACE)
find_package(Catch2 3 CONFIG QUIET)
if(Catch2_FOUND)
  target_link_libraries(ashlar_catch INTERFACE Catch2::Catch2)
  add_library(ashlar_catch_main INTERFACE)
  target_link_libraries(ashlar_catch_main INTERFACE Catch2::Catch2WithMain)
else()
  find_path(ASHLAR_CATCH_INCLUDE catch2/catch.hpp)
  mark_as_advanced(ASHLAR_CATCH_INCLUDE)
  if(NOT ASHLAR_CATCH_INCLUDE)
    message(FATAL_ERROR "The tests need Catch2: install catch2, or configure with -DASHLAR_BUILD_TESTS=OFF")
  endif()
  target_include_directories(ashlar_catch SYSTEM INTERFACE "${ASHLAR_CATCH_INCLUDE}")
  file(CONFIGURE OUTPUT catch_main.cpp CONTENT "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n")
  add_library(ashlar_catch_main STATIC EXCLUDE_FROM_ALL "${CMAKE_CURRENT_BINARY_DIR}/catch_main.cpp")
  target_link_libraries(ashlar_catch_main PUBLIC ashlar_catch)
  target_compile_features(ashlar_catch_main PRIVATE cxx_std_20)
endif()

if(ASHLAR_WITH_MPI AND EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/support/mpi_main.cpp")
  add_library(ashlar_catch_mpi STATIC EXCLUDE_FROM_ALL support/mpi_main.cpp)
  target_include_directories(ashlar_catch_mpi PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(ashlar_catch_mpi PUBLIC ashlar_catch MPI::MPI_CXX PRIVATE ashlar::policies)
  ashlar_own_code(ashlar_catch_mpi TEST)
endif()
