# Tests say in their own head lines how they are run, so that adding one touches no other file:
#
#   // processes: 1 2 4    run by mpirun once for each world size (without the line: one plain process)
#   // gpus: 1 2            run once for each number of GPUs, one process a GPU, started by cmake/launch.sh
#   // libtorch: no        built without LibTorch's headers; with no TEST_CASE and no main it is only compiled
#   // labels: slow unit   extra ctest labels; `unit` takes a test of several processes into the sanitized build, and
#                          `system` leaves one out that starts other programs
#   // timeout: 600        seconds, instead of 300
#   // args: --steps 2     what the program is given; @source@ is the source tree
#   // cost: 60            seconds, most of them spent waiting: such a test starts before others
#   // program: own         a program of its own
#
# Sources of one folder without any of these lines (but `libtorch`) are one program, because to link and to start a
# program takes longer than most tests. A folder with a main.cpp is one program, too, run as the head lines of that say.
# Files under static/ are only compiled, by g++ and by clang++, without LibTorch.

list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")

# Compilers for what is only compiled: the build's own and, where it is installed, a clang of 16 or newer.
find_program(ASHLAR_CLANG NAMES clang++-16 clang++-17 clang++-18 clang++-19 clang++-20 clang++-21
  DOC "clang++ 16 or newer, for compile-only tests")
mark_as_advanced(ASHLAR_CLANG)
string(TOLOWER "${CMAKE_CXX_COMPILER_ID}" _own)
set(ashlar_compilers "${_own}=${CMAKE_CXX_COMPILER}")
if(ASHLAR_CLANG AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  list(APPEND ashlar_compilers "clang=${ASHLAR_CLANG}")
endif()

# Flags for calling a compiler directly, without LibTorch.
set(ashlar_direct_flags -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
  -I${PROJECT_SOURCE_DIR}/include -I${PROJECT_SOURCE_DIR}/policies -I${PROJECT_SOURCE_DIR}/tests)
foreach(_dir IN ITEMS "${ASHLAR_BOOST_INCLUDE}" "${ASHLAR_RANGES_INCLUDE}" "${ASHLAR_JSON_INCLUDE}")
  if(NOT _dir IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    list(APPEND ashlar_direct_flags -isystem ${_dir})
  endif()
endforeach()

# Both headers trees and the header-only dependencies, without LibTorch.
add_library(ashlar_headers_only INTERFACE)
target_include_directories(ashlar_headers_only INTERFACE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/policies")
target_link_libraries(ashlar_headers_only INTERFACE ashlar::hana ashlar::ranges ashlar::json)
target_compile_features(ashlar_headers_only INTERFACE cxx_std_20)

# What every test may read.
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/mpi.env" ashlar_test_environment REGEX "^[A-Z]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/mpi.env")
list(APPEND ashlar_test_environment ASHLAR_BUILD_DIR=${PROJECT_BINARY_DIR} ASHLAR_SOURCE_DIR=${PROJECT_SOURCE_DIR})
if(ASHLAR_SANITIZE)
  list(APPEND ashlar_test_environment ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1)
endif()

# Reads the head line `// <key>: <words>` of a source into `out`, as a list; empty when there is none.
function(ashlar_head_line source key out)
  file(STRINGS "${source}" line LIMIT_COUNT 1 REGEX "^// ${key}: ")
  string(REGEX REPLACE "^// ${key}: *" "" line "${line}")
  string(REPLACE "@source@" "${PROJECT_SOURCE_DIR}" line "${line}")
  separate_arguments(words UNIX_COMMAND "${line}")
  set(${out} "${words}" PARENT_SCOPE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
endfunction()

# tests/engine/flat.test.cpp -> ashlar.tests.engine.flat
function(ashlar_test_name source out)
  file(RELATIVE_PATH path "${PROJECT_SOURCE_DIR}" "${source}")
  string(REGEX REPLACE "(/main|\\.test)?\\.[a-z]+$" "" path "${path}")
  string(REPLACE "/" "." path "${path}")
  set(${out} "${ASHLAR_TEST_PREFIX}.${path}" PARENT_SCOPE)
endfunction()

function(_ashlar_set_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT;PROCESSORS;COST" "LABELS")
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${ashlar_test_environment}" LABELS "${arg_LABELS}"
    TIMEOUT ${arg_TIMEOUT} PROCESSORS ${arg_PROCESSORS} SKIP_RETURN_CODE 77)
  if(arg_COST)
    set_tests_properties(${name} PROPERTIES COST ${arg_COST})
  endif()
endfunction()

# `out`: the beginning of a command that runs the test `name` only if it has not passed since `files` changed.
function(ashlar_unless_passed name out)
  set(${out} bash ${PROJECT_SOURCE_DIR}/cmake/passed.sh "${CMAKE_CURRENT_BINARY_DIR}/${name}.passed" ${ARGN} -- PARENT_SCOPE)
endfunction()

# One program, one ctest case, or one for each world size or number of GPUs.
function(ashlar_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TARGET;TIMEOUT;COST;WORKING_DIRECTORY" "PROCESSES;GPUS;LABELS;ARGS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  if(NOT arg_WORKING_DIRECTORY)
    set(arg_WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  foreach(n IN LISTS arg_GPUS)
    add_test(NAME ${name}.gpu${n} WORKING_DIRECTORY "${arg_WORKING_DIRECTORY}"
      COMMAND bash ${PROJECT_SOURCE_DIR}/cmake/launch.sh --gpus ${n} $<TARGET_FILE:${arg_TARGET}> ${arg_ARGS})
    _ashlar_set_test(${name}.gpu${n} TIMEOUT ${arg_TIMEOUT} PROCESSORS ${n} LABELS gpu ${arg_LABELS})
    set_tests_properties(${name}.gpu${n} PROPERTIES RESOURCE_LOCK gpu)
  endforeach()
  # The files that a run depends on. A test on GPUs always runs, because a changed driver could not be seen.
  set(seen $<TARGET_FILE:${arg_TARGET}> "${LIBTORCH_CPU_LIBRARY}")
  foreach(argument IN LISTS arg_ARGS)
    if(EXISTS "${argument}")
      list(APPEND seen "${argument}")
    endif()
  endforeach()
  if(NOT arg_PROCESSES AND NOT arg_GPUS)
    ashlar_unless_passed(${name} run ${seen})
    add_test(NAME ${name} COMMAND ${run} $<TARGET_FILE:${arg_TARGET}> ${arg_ARGS} WORKING_DIRECTORY "${arg_WORKING_DIRECTORY}")
    _ashlar_set_test(${name} TIMEOUT ${arg_TIMEOUT} COST "${arg_COST}" PROCESSORS 1 LABELS ${arg_LABELS})
  elseif(arg_PROCESSES AND ASHLAR_WITH_MPI)
    foreach(n IN LISTS arg_PROCESSES)
      ashlar_unless_passed(${name}.np${n} run ${seen})
      add_test(NAME ${name}.np${n} WORKING_DIRECTORY "${arg_WORKING_DIRECTORY}"
        COMMAND ${run} ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${n} $<TARGET_FILE:${arg_TARGET}> ${arg_ARGS})
      _ashlar_set_test(${name}.np${n} TIMEOUT ${arg_TIMEOUT} COST "${arg_COST}" PROCESSORS ${n} LABELS mpi ${arg_LABELS})
    endforeach()
  endif()
endfunction()

# A source that is only compiled, by each compiler.
function(ashlar_add_static_test source)
  ashlar_test_name("${source}" name)
  foreach(entry IN LISTS ashlar_compilers)
    string(REGEX MATCH "^([^=]*)=(.*)$" _ "${entry}")
    set(case ${name}.${CMAKE_MATCH_1})
    set(compiler ${CMAKE_MATCH_2})
    set(limit -fconstexpr-ops-limit=1000000000)
    if(case MATCHES "clang$")
      set(limit -fconstexpr-steps=1000000000)
    endif()
    add_test(NAME ${case} COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${compiler} ${ashlar_direct_flags} ${limit}
      -c ${source} -o ${CMAKE_CURRENT_BINARY_DIR}/${case}.o)  # the object is for the compiler cache alone
    _ashlar_set_test(${case} TIMEOUT 300 PROCESSORS 1 LABELS static)
  endforeach()
endfunction()

# What the cases below have precompiled, once for each compiler. Where a compiler passes it by, it meets an #error.
set(ashlar_precompiled "${PROJECT_BINARY_DIR}/precompiled")
function(ashlar_precompile_for_cases header)
  foreach(entry IN LISTS ashlar_compilers)
    string(REGEX MATCH "^([^=]*)=(.*)$" _ "${entry}")
    set(stub "${ashlar_precompiled}/${CMAKE_MATCH_1}/headers.hpp")
    file(CONFIGURE OUTPUT "${stub}" CONTENT "#error headers.hpp is not precompiled\n")
    add_custom_command(OUTPUT "${stub}.gch" DEPENDS "${header}" DEPFILE "${stub}.d" VERBATIM
      COMMAND ${CMAKE_MATCH_2} ${ashlar_direct_flags} -x c++-header ${header}
        -MD -MF ${stub}.d -MT ${stub}.gch -o ${stub}.gch)
    list(APPEND precompiled "${stub}.gch")
  endforeach()
  add_custom_target(ashlar_precompiled_for_cases ALL DEPENDS ${precompiled})
endfunction()

# A source that must not compile, and whose corrected twin must. WILL_FAIL inverts, for the harness's own controls.
# CORRECTED_ELSEWHERE: by ashlar_add_corrected_test().
function(ashlar_add_compile_fail_test source)
  cmake_parse_arguments(PARSE_ARGV 1 arg "WILL_FAIL;CORRECTED_ELSEWHERE" "NAME" "")
  ashlar_test_name("${source}" name)
  if(arg_NAME)
    set(name ${ASHLAR_TEST_PREFIX}.${arg_NAME})
  endif()
  set(script "${PROJECT_SOURCE_DIR}/cmake/ExpectCompileError.cmake")
  file(GLOB case_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/compile_fail/*.hpp")
  foreach(entry IN LISTS ashlar_compilers)
    string(REGEX MATCH "^([^=]*)=(.*)$" _ "${entry}")
    set(case ${name}.${CMAKE_MATCH_1})
    set(precompiled "${ashlar_precompiled}/${CMAKE_MATCH_1}/headers.hpp")
    set(compiler "${CMAKE_MATCH_2}")
    ashlar_unless_passed(${case} run "${source}" "${precompiled}.gch" "${compiler}" "${script}"
      "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/policies" ${case_headers})
    add_test(NAME ${case} COMMAND ${run} ${CMAKE_COMMAND} "-DSOURCE=${source}" "-DPRECOMPILED=${precompiled}"
      "-DCORRECTED_ELSEWHERE=${arg_CORRECTED_ELSEWHERE}" "-DCOMPILE=${compiler};${ashlar_direct_flags}" -P ${script})
    _ashlar_set_test(${case} TIMEOUT 300 PROCESSORS 1 LABELS compile_fail)
    if(arg_WILL_FAIL)
      set_tests_properties(${case} PROPERTIES WILL_FAIL ON)
    endif()
  endforeach()
endfunction()

# The corrected twins of `cases` together, each in a namespace of its own: in a tenth of the time.
function(ashlar_add_corrected_test cases)
  set(includes)
  set(twins)
  foreach(case IN LISTS cases)
    file(STRINGS "${case}" lines REGEX "^#include ")
    list(APPEND includes ${lines})
    get_filename_component(name "${case}" NAME_WE)
    string(APPEND twins "namespace ${name} {\n#include \"${case}\"\n}\n")
  endforeach()
  list(REMOVE_DUPLICATES includes)
  list(JOIN includes "\n" includes)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/corrected.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "${includes}\n#define FIXED\n${twins}" @ONLY)
  foreach(entry IN LISTS ashlar_compilers)
    string(REGEX MATCH "^([^=]*)=(.*)$" _ "${entry}")
    set(name ${ASHLAR_TEST_PREFIX}.tests.compile_fail.corrected.${CMAKE_MATCH_1})
    add_test(NAME ${name} COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${CMAKE_MATCH_2} ${ashlar_direct_flags}
      -c ${source} -o ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)  # the object is for the compiler cache alone
    _ashlar_set_test(${name} TIMEOUT 300 PROCESSORS 1 LABELS compile_fail)
  endforeach()
endfunction()

# A test that is a script; `exit 77` says that it cannot run here.
function(ashlar_add_script_test script)
  ashlar_test_name("${script}" name)
  foreach(key IN ITEMS timeout cost)
    file(STRINGS "${script}" line LIMIT_COUNT 1 REGEX "^# ${key}: [0-9]+$")
    string(REGEX REPLACE "[^0-9]" "" ${key} "${line}")
  endforeach()
  if(NOT timeout)
    set(timeout 300)
  endif()
  if(ASHLAR_WITH_CUDA)
    set(run)  # always run: a changed driver could not be seen
  else()
    ashlar_unless_passed(${name} run "${PROJECT_SOURCE_DIR}/." $<TARGET_FILE:ashlar_core> "${LIBTORCH_CPU_LIBRARY}")
  endif()
  add_test(NAME ${name} COMMAND ${run} bash "${script}" WORKING_DIRECTORY "${PROJECT_BINARY_DIR}")
  _ashlar_set_test(${name} TIMEOUT ${timeout} COST "${cost}" PROCESSORS 1 LABELS script)
endfunction()

# Whether a tests/**/*.test.cpp is only compiled, is one of its folder's program (plain), or is a program of its own.
function(ashlar_kind_of_test source out)
  foreach(key IN ITEMS processes gpus labels timeout args cost program libtorch)
    ashlar_head_line("${source}" ${key} ${key})
  endforeach()
  file(STRINGS "${source}" runs LIMIT_COUNT 1 REGEX "TEST_CASE|int main\\(")
  file(STRINGS "${source}" own_main LIMIT_COUNT 1 REGEX "int main\\(")
  if(source MATCHES "/tests/static/" OR (libtorch STREQUAL "no" AND NOT runs))
    set(kind static)
  elseif("${processes}${gpus}${labels}${timeout}${args}${cost}${program}${own_main}" STREQUAL "" AND NOT source MATCHES "/tests/[^/]*$")
    set(kind plain)
  else()
    set(kind own)
  endif()
  set(${out} ${kind} PARENT_SCOPE)
endfunction()

# The program `name` of these sources; those that say so are compiled without LibTorch's headers. `main`: one of
# AshlarCatch.cmake's libraries.
function(ashlar_add_test_program name main)
  set(light)
  set(heavy)
  foreach(source IN LISTS ARGN)
    ashlar_head_line("${source}" libtorch libtorch)
    if(libtorch STREQUAL "no")
      list(APPEND light "${source}")
    else()
      list(APPEND heavy "${source}")
    endif()
  endforeach()
  add_executable(${name} ${heavy})
  target_link_libraries(${name} PRIVATE ashlar::policies ${main})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  ashlar_own_code(${name} TEST)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin" LINKER_LANGUAGE CXX)
  if(light)
    add_library(${name}.light OBJECT ${light})
    target_link_libraries(${name}.light PRIVATE ashlar_headers_only ashlar_catch_headers)
    ashlar_own_code(${name}.light NO_PCH TEST)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${name}.light>)
  endif()
endfunction()

# The plain sources of a folder.
function(ashlar_add_plain_tests folder)
  if(NOT ASHLAR_TEST_SET STREQUAL "static")
    ashlar_test_name("${folder}" name)
    ashlar_add_test_program(${name} ashlar_catch_main ${ARGN})
    ashlar_add_test(${name} TARGET ${name} LABELS unit)
  endif()
endfunction()

# A source that is a program of its own, by its head lines and its place; further arguments are sources of the same
# program.
function(ashlar_add_test_source source)
  ashlar_test_name("${source}" name)
  foreach(key IN ITEMS processes gpus labels timeout args cost)
    ashlar_head_line("${source}" ${key} ${key})
  endforeach()
  if(NOT processes AND NOT gpus AND NOT "system" IN_LIST labels)
    list(APPEND labels unit)
  elseif(processes AND NOT ASHLAR_WITH_MPI)
    return()
  endif()
  if(ASHLAR_TEST_SET STREQUAL "static" OR (ASHLAR_TEST_SET STREQUAL "unit" AND NOT "unit" IN_LIST labels))
    return()
  endif()
  if(gpus AND NOT processes AND NOT ASHLAR_WITH_CUDA)
    add_test(NAME ${name}.gpu COMMAND bash -c "echo 'SKIP: this build is without CUDA'; exit 77")
    _ashlar_set_test(${name}.gpu TIMEOUT 10 PROCESSORS 1 LABELS gpu)
    return()
  endif()

  file(STRINGS "${source}" own_main LIMIT_COUNT 1 REGEX "int main\\(")
  file(STRINGS "${source}" in_world LIMIT_COUNT 1 REGEX "support/world.hpp")
  if(own_main)
    set(main ashlar_catch)
  elseif(in_world)
    set(main ashlar_catch_world)
  elseif(processes)
    set(main ashlar_catch_mpi)
  else()
    set(main ashlar_catch_main)
  endif()
  ashlar_add_test_program(${name} ${main} "${source}" ${ARGN})
  ashlar_add_test(${name} TARGET ${name} PROCESSES ${processes} GPUS ${gpus} LABELS ${labels} TIMEOUT "${timeout}"
    COST "${cost}" ARGS ${args})
endfunction()

# A program that is also a test: an example.
function(ashlar_add_program_test source target label)
  ashlar_head_line("${source}" processes processes)
  ashlar_head_line("${source}" gpus gpus)
  ashlar_head_line("${source}" labels labels)
  ashlar_head_line("${source}" timeout timeout)
  ashlar_head_line("${source}" args args)
  ashlar_test_name("${source}" name)
  ashlar_add_test(${name} TARGET ${target} PROCESSES ${processes} GPUS ${gpus} LABELS ${label} ${labels} TIMEOUT "${timeout}"
    ARGS ${args})
endfunction()
