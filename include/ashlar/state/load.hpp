// load: a checkpoint into the tensors of a run that was built as the saved one was; all of it or nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include <ashlar/comm/during.hpp>
#include <ashlar/concepts/communicator.hpp>
#include <ashlar/state/manifest.hpp>
#include <ashlar/state/snapshot.hpp>
#include <ashlar/state/together.hpp>

namespace ashlar::state {

namespace detail {

class RankFile;

class Loading {
 public:
  Loading(std::filesystem::path directory, std::int64_t step, Snapshot& into, int rank, int world);
  ~Loading();
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;

  void check();  // everything, with every checksum; changes nothing
  void copy();

 private:
  std::filesystem::path directory_;
  std::int64_t step_;
  Snapshot& into_;
  int rank_, world_;
  Manifest manifest_;
  std::unique_ptr<RankFile> file_;
};

// [ashlar.state.3]: there is none. [ashlar.state.12]: it was there before one of an earlier step.
std::int64_t latest_or_throw(const std::filesystem::path& directory);

}  // namespace detail

// Collective; returns the step. `into` names the tensors to fill, which are overwritten in place and bit for
// bit, and the strategy and model to expect; its meta is filled in. Without `step` it is the latest, as rank
// 0 sees it. Throws on every rank if it fails on one, and before the first tensor is touched unless the disk
// fails between:
//   [ashlar.state.2]  another rank failed            [ashlar.state.3]   no such checkpoint
//   [ashlar.state.4]  damaged manifest               [ashlar.state.5]   saved by another world size
//   [ashlar.state.6]  another strategy or model      [ashlar.state.7]   file missing, unreadable, of another
//   size [ashlar.state.8]  damaged head, unknown dtype    [ashlar.state.9]   wrong checksum, names the tensor
//   [ashlar.state.10] a tensor missing, superfluous, of another shape or dtype
//   [ashlar.state.12] without `step`, the latest is not that of the run that saved last
template <has_all_reduce C>
std::int64_t load(const std::filesystem::path& directory, Snapshot& into, C& comm,
                  std::optional<std::int64_t> step = std::nullopt) {
  const comm::During during(comm::Joint::load, comm.size());
  std::int64_t chosen = step.value_or(0);
  together(comm, "find a checkpoint", [&] {
    if (!step && comm.rank() == 0) chosen = detail::latest_or_throw(directory);
  });
  chosen = of_rank_0(comm, chosen);
  detail::Loading loading(directory, chosen, into, comm.rank(), comm.size());
  together(comm, "check its part of the checkpoint", [&] { loading.check(); });
  together(comm, "read its part of the checkpoint", [&] { loading.copy(); });
  return chosen;
}

}  // namespace ashlar::state
