// save: every rank's snapshot becomes one checkpoint, whole or not at all.
//
// Written beside, every file synced, the manifest last, one rename, the directory synced; only then are older
// checkpoints removed. A kill at any moment leaves the old or the new one whole. The directory must be the
// same one for every rank: several hosts need a shared file system.
#pragma once

#include <cstdint>
#include <filesystem>

#include <ashlar/comm/during.hpp>
#include <ashlar/concepts/communicator.hpp>
#include <ashlar/state/snapshot.hpp>
#include <ashlar/state/together.hpp>

namespace ashlar::state {

namespace detail {

class Saving {
 public:
  Saving(std::filesystem::path directory, std::int64_t step, const Snapshot& snapshot, int rank, int world,
         int keep);
  ~Saving();  // rank 0 takes away what did not become a checkpoint
  Saving(const Saving&) = delete;
  Saving& operator=(const Saving&) = delete;

  void prepare();  // checks the snapshot; rank 0 clears leftovers and makes the directory to write in
  void write();    // this rank's file
  void publish();  // rank 0: manifest, rename
  void prune();    // rank 0: older checkpoints beyond `keep`; those of later steps are left alone

 private:
  std::filesystem::path directory_, partial_, final_;
  std::int64_t step_;
  const Snapshot& snapshot_;
  int rank_, world_, keep_;
};

}  // namespace detail

// Collective. Throws on every rank if it fails on one, and then earlier checkpoints are untouched:
//   [ashlar.state.1]   cannot be written: full disk, permission, not the same directory on every rank
//   [ashlar.state.2]   another rank failed
//   [ashlar.state.11]  tensors that cannot be saved; a negative step, `keep` below 1
// A checkpoint of the same step is replaced. Other jobs must not save into the directory at the same time.
template <has_all_reduce C>
void save(const std::filesystem::path& directory, std::int64_t step, const Snapshot& snapshot, C& comm,
          int keep = 2) {
  const comm::During during(comm::Joint::save, comm.size());
  detail::Saving saving(directory, step, snapshot, comm.rank(), comm.size(), keep);
  together(comm, "prepare a checkpoint", [&] { saving.prepare(); });
  together(comm, "write its part of the checkpoint", [&] { saving.write(); });
  together(comm, "publish the checkpoint", [&] { saving.publish(); });
  saving.prune();
}

}  // namespace ashlar::state
