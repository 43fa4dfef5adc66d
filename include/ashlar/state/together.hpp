// together: a piece of work that succeeds on every rank or throws on every rank, so that none waits for the
// others.
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>
#include <utility>

#include <ATen/core/Tensor.h>

#include <ashlar/concepts/communicator.hpp>
#include <ashlar/engine/agree.hpp>

namespace ashlar::state {

namespace detail {

// int64 zeros of `size` with `value` at `place`, where the communicator can sum them.
Tensor one_of(int size, int place, std::int64_t value, c10::Device device);
void check_flags(const Tensor& flags, std::exception_ptr own, std::string_view what);
std::int64_t first_element(const Tensor& tensor);

}  // namespace detail

// Runs `work` here, then waits for all ranks. Ranks on which it threw rethrow; the others throw
// [ashlar.state.2], which names them. `what` completes "expected every rank to". Collective: one all_reduce
// of size() int64.
template <has_all_reduce C, class Work>
void together(C& comm, std::string_view what, Work&& work) {
  std::exception_ptr thrown;
  try {
    std::forward<Work>(work)();
  } catch (...) {
    thrown = std::current_exception();
  }
  Tensor flags = detail::one_of(comm.size(), comm.rank(), thrown ? 1 : 0, device_of(comm));
  comm.all_reduce(flags).wait();
  detail::check_flags(flags, thrown, what);
}

// Rank 0's value, on every rank. Collective: one all_reduce.
template <has_all_reduce C>
std::int64_t of_rank_0(C& comm, std::int64_t value) {
  Tensor shared = detail::one_of(1, 0, comm.rank() == 0 ? value : 0, device_of(comm));
  comm.all_reduce(shared).wait();
  return detail::first_element(shared);
}

}  // namespace ashlar::state
