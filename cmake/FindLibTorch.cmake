# FindLibTorch: LibTorch from PyPI's torch wheel or from an unpacked libtorch archive.
#
#   ASHLAR_LIBTORCH    the folder that holds include/ and lib/; empty = .deps/torch/torch of the source tree,
#                      else the torch package that python3 would import
#   LibTorch::cpu      headers, libtorch_cpu, libc10
#   LibTorch::cuda     the same, with libtorch_cuda, libc10_cuda and the CUDA runtime (component cuda)
#
# The wheel's own TorchConfig.cmake demands a CUDA toolkit even for a program that uses none.

set(ASHLAR_LIBTORCH "" CACHE PATH "LibTorch: the folder that holds include/ and lib/")

set(_libtorch_root "${ASHLAR_LIBTORCH}")
if(NOT ASHLAR_LIBTORCH)
  get_filename_component(_libtorch_root "${CMAKE_CURRENT_LIST_DIR}/../.deps/torch/torch" ABSOLUTE)
  if(NOT EXISTS "${_libtorch_root}/include/ATen/ATen.h")
    execute_process(
      COMMAND python3 -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
      OUTPUT_VARIABLE _libtorch_root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()

# Looked up anew each time: a cached path would outlive the LibTorch it came from.
foreach(_var LIBTORCH_INCLUDE_DIR LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY LIBTORCH_CUDA_LIBRARY
             LIBTORCH_C10_CUDA_LIBRARY LIBTORCH_CUDART_LIBRARY LIBTORCH_CUDA_INCLUDE_DIR)
  unset(${_var} CACHE)
endforeach()
find_path(LIBTORCH_INCLUDE_DIR ATen/ATen.h PATHS ${_libtorch_root} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_library(LIBTORCH_CPU_LIBRARY torch_cpu PATHS ${_libtorch_root} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_LIBRARY c10 PATHS ${_libtorch_root} PATH_SUFFIXES lib NO_DEFAULT_PATH)
set(_libtorch_required LIBTORCH_INCLUDE_DIR LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY)

set(LibTorch_VERSION "")
if(EXISTS "${_libtorch_root}/include/torch/headeronly/version.h")
  set(_libtorch_version_file "${_libtorch_root}/include/torch/headeronly/version.h")
else()
  set(_libtorch_version_file "${_libtorch_root}/include/torch/csrc/api/include/torch/version.h")
endif()
if(EXISTS "${_libtorch_version_file}")
  file(STRINGS "${_libtorch_version_file}" _libtorch_version REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL "[0-9]+" _libtorch_version "${_libtorch_version}")
  list(JOIN _libtorch_version "." LibTorch_VERSION)
endif()

# A wheel keeps the CUDA libraries beside itself in nvidia/; an archive keeps them in its own lib/.
get_filename_component(_libtorch_nvidia "${_libtorch_root}/../nvidia" ABSOLUTE)
file(GLOB _libtorch_nvidia_libs "${_libtorch_nvidia}/*/lib")
file(GLOB _libtorch_nvidia_includes "${_libtorch_nvidia}/cu*/include")

if("cuda" IN_LIST LibTorch_FIND_COMPONENTS)
  find_library(LIBTORCH_CUDA_LIBRARY torch_cuda PATHS ${_libtorch_root} PATH_SUFFIXES lib NO_DEFAULT_PATH)
  find_library(LIBTORCH_C10_CUDA_LIBRARY c10_cuda PATHS ${_libtorch_root} PATH_SUFFIXES lib NO_DEFAULT_PATH)
  # The wheel's or the archive's own first: a program must not hold two CUDA runtimes. ATen's CUDA headers want those
  # of cuBLAS, cuSPARSE and cuSOLVER too, and the compiler's, which the wheels leave out and the toolkit has.
  set(_names NAMES libcudart.so.13 libcudart.so.12 cudart)
  find_library(LIBTORCH_CUDART_LIBRARY ${_names} PATHS ${_libtorch_nvidia_libs} "${_libtorch_root}/lib" NO_DEFAULT_PATH)
  find_library(LIBTORCH_CUDART_LIBRARY ${_names} HINTS ENV CUDA_HOME /usr/local/cuda PATH_SUFFIXES lib64 lib)
  find_path(LIBTORCH_CUDA_INCLUDE_DIR crt/host_config.h PATHS ${_libtorch_nvidia_includes} NO_DEFAULT_PATH)
  find_path(LIBTORCH_CUDA_INCLUDE_DIR crt/host_config.h HINTS ENV CUDA_HOME /usr/local/cuda PATH_SUFFIXES include)
  list(APPEND _libtorch_required LIBTORCH_CUDA_LIBRARY LIBTORCH_C10_CUDA_LIBRARY LIBTORCH_CUDART_LIBRARY
       LIBTORCH_CUDA_INCLUDE_DIR)
  if(LIBTORCH_CUDA_LIBRARY)
    set(LibTorch_cuda_FOUND TRUE)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS ${_libtorch_required} VERSION_VAR LibTorch_VERSION
  HANDLE_COMPONENTS REASON_FAILURE_MESSAGE
  "looked in '${_libtorch_root}': run cmake/bootstrap.sh, or set ASHLAR_LIBTORCH to the folder that holds include/ and lib/")
mark_as_advanced(${_libtorch_required})

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  add_library(LibTorch::c10 UNKNOWN IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LIBTORCH_C10_LIBRARY}")

  add_library(LibTorch::cpu UNKNOWN IMPORTED)
  set_target_properties(LibTorch::cpu PROPERTIES
    IMPORTED_LOCATION "${LIBTORCH_CPU_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LIBTORCH_INCLUDE_DIR};${LIBTORCH_INCLUDE_DIR}/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES LibTorch::c10)
  # libtorch_cpu needs libraries that no program of ours names: the linker must see them to resolve symbols.
  foreach(_dir IN LISTS _libtorch_nvidia_libs)
    set_property(TARGET LibTorch::cpu APPEND PROPERTY INTERFACE_LINK_OPTIONS "LINKER:-rpath-link,${_dir}")
  endforeach()
endif()

if(LibTorch_FOUND AND LIBTORCH_CUDA_LIBRARY AND NOT TARGET LibTorch::cuda)
  add_library(LibTorch::cuda INTERFACE IMPORTED)
  # libtorch_cuda registers its kernels when it is loaded and is named by no symbol, so it must be kept by force.
  set_target_properties(LibTorch::cuda PROPERTIES
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${LIBTORCH_CUDA_INCLUDE_DIR}"
    INTERFACE_INCLUDE_DIRECTORIES "${LIBTORCH_CUDA_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES
      "LibTorch::cpu;-Wl,--push-state,--no-as-needed,${LIBTORCH_CUDA_LIBRARY},--pop-state;${LIBTORCH_C10_CUDA_LIBRARY};${LIBTORCH_CUDART_LIBRARY}")
endif()
