# What ashlar::core needs. Included by the project and by its installed package, so both find the same things.
# Before: ASHLAR_WITH_MPI and ASHLAR_WITH_CUDA are set.

list(PREPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")

# A library that is only headers, by one header that it must have.
function(ashlar_find_headers target variable header package)
  find_path(${variable} ${header} DOC "folder that holds ${header}")
  mark_as_advanced(${variable})
  if(NOT ${variable})
    message(FATAL_ERROR "Ashlar needs <${header}>: install ${package}, or set ${variable} to the folder that holds it")
  endif()
  if(NOT TARGET ${target})
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${${variable}}")
  endif()
endfunction()

ashlar_find_headers(ashlar::hana ASHLAR_BOOST_INCLUDE boost/hana.hpp "Boost (libboost-dev)")
ashlar_find_headers(ashlar::ranges ASHLAR_RANGES_INCLUDE range/v3/all.hpp "range-v3 (librange-v3-dev)")
ashlar_find_headers(ashlar::json ASHLAR_JSON_INCLUDE nlohmann/json.hpp "nlohmann-json (nlohmann-json3-dev)")

find_package(Threads REQUIRED)
if(ASHLAR_WITH_MPI)
  set(MPI_CXX_SKIP_MPICXX ON)
  find_package(MPI REQUIRED COMPONENTS CXX)
endif()
if(ASHLAR_WITH_CUDA)
  find_package(LibTorch REQUIRED COMPONENTS cuda)
  find_package(NCCL REQUIRED)
else()
  find_package(LibTorch REQUIRED)
endif()
