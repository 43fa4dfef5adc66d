# Every header compiles alone, and all of them twice in one program (one translation unit a header, and one for all).
# What must not need LibTorch (all that only declares or plans) is compiled without LibTorch in its include path.

set(light "/include/ashlar/((concepts|diagnostics|plan|nn|models)/|laws/(plain|wrap|precision)|(tensor|error)\\.hpp)|/policies/ashlar/")

foreach(header IN LISTS core_headers policy_headers)
  if(header MATCHES "\\.cuh$")
    continue()
  endif()
  string(REGEX REPLACE "^.*/(include|policies)/(ashlar/.*)$" "\\2" path "${header}")
  file(CONFIGURE OUTPUT "headers/${path}.cpp" CONTENT "#include <${path}>\n#include <${path}>\n")
  if(header MATCHES "${light}" AND NOT header MATCHES "/models/generate.hpp$")
    list(APPEND light_units "${CMAKE_CURRENT_BINARY_DIR}/headers/${path}.cpp")
  else()
    list(APPEND heavy_units "${CMAKE_CURRENT_BINARY_DIR}/headers/${path}.cpp")
  endif()
  string(APPEND all_headers "#include <${path}>\n")
endforeach()
file(CONFIGURE OUTPUT headers/all.cpp CONTENT "${all_headers}int main() {}\n")

add_library(ashlar_light_headers OBJECT ${light_units})
target_link_libraries(ashlar_light_headers PRIVATE ashlar_headers_only)
ashlar_own_code(ashlar_light_headers NO_PCH)

if(ASHLAR_TEST_SET STREQUAL "all")
  set(name ${ASHLAR_TEST_PREFIX}.tests.headers)
  add_executable(${name} headers/all.cpp ${heavy_units})
  target_link_libraries(${name} PRIVATE ashlar::policies ashlar_light_headers)
  target_compile_options(${name} PRIVATE -O0)
  ashlar_own_code(${name} NO_PCH)
  ashlar_add_test(${name} TARGET ${name} LABELS static)
endif()
