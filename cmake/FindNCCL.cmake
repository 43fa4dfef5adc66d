# FindNCCL: the NCCL that LibTorch loads (its wheel's, when there is one), else NCCL_ROOT's or the CUDA toolkit's.
#
#   NCCL::nccl
#
# A program must not hold two NCCLs, so the one beside LibTorch comes first.

foreach(_var NCCL_INCLUDE_DIR NCCL_LIBRARY)
  unset(${_var} CACHE)
endforeach()
get_filename_component(_nccl_beside "${LIBTORCH_INCLUDE_DIR}/../../nvidia/nccl" ABSOLUTE)
foreach(_where "${_nccl_beside}" "$ENV{NCCL_ROOT}" /usr/local/cuda)
  if(_where AND NOT NCCL_LIBRARY)
    find_path(NCCL_INCLUDE_DIR nccl.h PATHS "${_where}/include" NO_DEFAULT_PATH)
    find_library(NCCL_LIBRARY NAMES libnccl.so.2 nccl PATHS "${_where}/lib" "${_where}/lib64" NO_DEFAULT_PATH)
  endif()
endforeach()
find_path(NCCL_INCLUDE_DIR nccl.h)
find_library(NCCL_LIBRARY NAMES nccl libnccl.so.2)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(NCCL REQUIRED_VARS NCCL_LIBRARY NCCL_INCLUDE_DIR)
mark_as_advanced(NCCL_LIBRARY NCCL_INCLUDE_DIR)

if(NCCL_FOUND AND NOT TARGET NCCL::nccl)
  add_library(NCCL::nccl UNKNOWN IMPORTED)
  set_target_properties(NCCL::nccl PROPERTIES
    IMPORTED_LOCATION "${NCCL_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${NCCL_INCLUDE_DIR}")
endif()
