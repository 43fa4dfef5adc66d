# How Ashlar's own code is compiled: sources by folder, strict warnings, precompiled LibTorch, ccache.

# Lists the files under `root` that match; what needs MPI (*mpi*) or CUDA (*nccl*, *.cu, *.cuh) only when it is on.
function(ashlar_sources out root)
  list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/${root}/ashlar/")
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${ARGN})
  if(NOT ASHLAR_WITH_MPI)
    list(FILTER files EXCLUDE REGEX "/[^/]*mpi[^/]*$")
  endif()
  if(NOT ASHLAR_WITH_CUDA)
    list(FILTER files EXCLUDE REGEX "/[^/]*(nccl|cuda)[^/]*$|\\.cuh?$")
  endif()
  set(${out} ${files} PARENT_SCOPE)
endfunction()

if(ASHLAR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(ASHLAR_CCACHE_PROGRAM ccache)
  mark_as_advanced(ASHLAR_CCACHE_PROGRAM)
  if(ASHLAR_CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER bash ${CMAKE_CURRENT_LIST_DIR}/ccache.sh ${PROJECT_SOURCE_DIR})
  endif()
endif()

# The plan of a deep model is a long constant expression: about 300,000 operations a layer.
set(ashlar_long_constants
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fconstexpr-ops-limit=1000000000>
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-fconstexpr-steps=1000000000>)

set(ashlar_warnings -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
if(ASHLAR_WERROR)
  list(APPEND ashlar_warnings -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND ashlar_warnings -Wno-restrict)  # GCC 12 sees overlap in `"text" + std::string` (GCC bug 105651)
  if(ASHLAR_SANITIZE)
    list(APPEND ashlar_warnings -Wno-maybe-uninitialized)  # and unset members in every std::regex (GCC bug 105562)
  endif()
endif()

# Object files name their sources relative to the tree, so that ccache can reuse those of a clone in another folder.
if(PROJECT_IS_TOP_LEVEL)
  list(APPEND ashlar_warnings "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")
endif()

# Flags of our own code, the same for every target of a kind, so that each kind shares one precompiled header. A TEST of a
# release build is compiled with -Og, in half the time, and so is a PROGRAM where ASHLAR_QUICK asks for it.
function(ashlar_own_code target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_PCH;TEST;PROGRAM" "" "")
  set(pch ashlar_pch)
  if((arg_TEST OR (arg_PROGRAM AND ASHLAR_QUICK)) AND CMAKE_BUILD_TYPE STREQUAL "Release")
    set(pch ashlar_test_pch)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Og>)
  endif()
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${ashlar_warnings}>)
  if(ASHLAR_SANITIZE)
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${ASHLAR_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer>)
    target_link_options(${target} PRIVATE -fsanitize=${ASHLAR_SANITIZE})
  endif()
  if(ASHLAR_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)  # ccache needs it
  endif()
  if(ASHLAR_PCH AND NOT arg_NO_PCH)
    target_precompile_headers(${target} REUSE_FROM ${pch})
  endif()
endfunction()

# The precompiled header `name` of `header`, with ashlar_own_code()'s options.
function(ashlar_add_pch name header)
  file(CONFIGURE OUTPUT ${name}.cpp CONTENT "")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_link_libraries(${name} PRIVATE LibTorch::cpu $<TARGET_NAME_IF_EXISTS:MPI::MPI_CXX> Threads::Threads)
  ashlar_own_code(${name} NO_PCH ${ARGN})
  target_precompile_headers(${name} PRIVATE ${header})
endfunction()

if(ASHLAR_PCH)
  ashlar_add_pch(ashlar_pch <ATen/ATen.h>)
  ashlar_add_pch(ashlar_test_pch <ATen/ATen.h> TEST)
endif()
