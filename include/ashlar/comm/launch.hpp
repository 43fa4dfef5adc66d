// Launch: this process's place in the world, read from the environment that its launcher left.
//
//   source                    rank, world, place on the host
//   torchrun or by hand       RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE
//   Open MPI's mpirun         OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK, _LOCAL_SIZE
//   MPICH, PMI launchers      PMI_RANK, PMI_SIZE, MPI_LOCALRANKID, MPI_LOCALNRANKS
//   Slurm's srun              SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID, SLURM_NNODES
//   none of them              a world of one
// The first of these that is set at all is the one that counts, and it must be whole: a half-set environment
// throws. MASTER_ADDR and MASTER_PORT say where rank 0 listens, whatever the source.
#pragma once

#include <ashlar/cxx20.hpp>

#include <functional>
#include <string>

namespace ashlar::comm {

// std::getenv's contract: null when the variable is not set. An empty value counts as not set.
using Environment = std::function<const char*(const char*)>;

Environment process_environment();

// Who this process is. Enough for MPI, whose processes find each other without help.
struct Place {
  int rank = 0;
  int world = 1;

  bool operator==(const Place&) const = default;
};

// Where it stands and where it meets the others. local_rank picks the GPU.
struct Launch {
  int rank = 0;
  int world = 1;
  int local_rank = 0;
  int local_world = 1;      // processes on this host; 0 when the launcher does not say
  std::string master_addr;  // empty in a world of one that names none
  int master_port = 0;      // 1 to 65535; 0 together with an empty master_addr

  bool operator==(const Launch&) const = default;
};

// Throw ashlar::Error:
//   [ashlar.comm.8]   half set: names what is missing and what is there
//   [ashlar.comm.9]   not a whole number, or outside its range (rank >= world, port > 65535)
//   [ashlar.comm.10]  processes on several hosts and no MASTER_ADDR
Place place(const Environment& = process_environment());
Launch launch(const Environment& = process_environment());

// How many processes of this one's job are on its host; 1 where the launcher does not say. Throws comm.9.
int local_world(const Environment& = process_environment());

}  // namespace ashlar::comm
