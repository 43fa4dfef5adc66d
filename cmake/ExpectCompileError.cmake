# cmake -DSOURCE=case.cpp "-DCOMPILE=c++;flags" -DPRECOMPILED=headers.hpp -DCORRECTED_ELSEWHERE=OFF -P ExpectCompileError.cmake
#
# The case's first line reads `// expect-error: <text>`. With FIXED defined it must compile; with CORRECTED_ELSEWHERE
# another test sees to that. Without, it must fail with exactly one `error:`, which is a failed static assertion whose
# message starts with the text: nothing stands before it.
# With `// expect-own-error: <text>` the one error is the compiler's own, about the case's own code, and has the text in it.

list(APPEND COMPILE -include "${PRECOMPILED}")
file(STRINGS "${SOURCE}" head LIMIT_COUNT 1)
if(NOT head MATCHES "^// expect-(own-)?error: (.+)$")
  message(FATAL_ERROR "${SOURCE}: the first line must read '// expect-error: <text>'")
endif()
set(own "${CMAKE_MATCH_1}")
string(REPLACE "\\;" ";" expected "${CMAKE_MATCH_2}")  # file(STRINGS) escapes it

if(NOT CORRECTED_ELSEWHERE)
  execute_process(COMMAND ${COMPILE} -DFIXED -fsyntax-only "${SOURCE}" RESULT_VARIABLE result OUTPUT_VARIABLE log ERROR_VARIABLE log)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "the corrected arm should compile, and does not:\n${log}")
  endif()
endif()

execute_process(COMMAND ${COMPILE} -fsyntax-only "${SOURCE}" RESULT_VARIABLE result OUTPUT_VARIABLE log ERROR_VARIABLE log)
if(result EQUAL 0)
  message(FATAL_ERROR "the mistaken arm should not compile, and does")
endif()
string(REGEX MATCHALL "error:" errors "${log}")
list(LENGTH errors count)
if(NOT count EQUAL 1)
  message(FATAL_ERROR "one mistake should give one error, and gives ${count}:\n${log}")
endif()
string(REGEX MATCH "error:[^\n]*" said "${log}")
if(own)
  string(FIND "${said}" "${expected}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "the error should be about ${expected}, and says\n  ${said}\n${log}")
  endif()
  return()
endif()
string(FIND "${said}" "error: static assertion failed: ${expected}" at)
if(NOT at EQUAL 0)
  message(FATAL_ERROR "the error should say\n  error: static assertion failed: ${expected}\nand says\n  ${said}\n${log}")
endif()
