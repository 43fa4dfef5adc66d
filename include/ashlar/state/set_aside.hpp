// set_aside: room for a new run where an older one saved, without losing it.
#pragma once

#include <filesystem>

#include <ashlar/concepts/communicator.hpp>
#include <ashlar/state/together.hpp>

namespace ashlar::state {

namespace detail {
std::filesystem::path set_aside(const std::filesystem::path& directory);
}

// Collective. A directory that holds checkpoints is renamed to the first free of <directory>.1,
// <directory>.2 and so on: a new run's `latest` is never an older run's. Returns the new name on rank 0;
// empty if there was nothing to set aside. [ashlar.state.1]: cannot be renamed.
template <has_all_reduce C>
std::filesystem::path set_aside(const std::filesystem::path& directory, C& comm) {
  std::filesystem::path aside;
  together(comm, "set the older run aside", [&] {
    if (comm.rank() == 0) aside = detail::set_aside(directory);
  });
  return aside;
}

}  // namespace ashlar::state
