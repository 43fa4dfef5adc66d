// MPI itself: started once a process, ended with it, and the way its ranks agree on a failure.
#pragma once

namespace ashlar::comm::detail {

// Starts MPI unless somebody did. Collective the first time.
//   [ashlar.comm.7]  the launcher started another number of processes than MPI joined
void start_mpi();

bool mpi_has_ended();

// Throws [ashlar.comm.6] with MPI's text; `call` names the function that returned the code.
void check_mpi(int code, const char* call);

}  // namespace ashlar::comm::detail
