// guarded: whatever one rank throws ends every rank, non-zero and within seconds, with one sentence.
//
//   int main() { return ashlar::comm::guarded([] { comm::Mpi world; train(world); }); }
//
// If all ranks fail with the same sentence, one of them prints it; otherwise each failing rank prints its own
// behind "rank r: ". Ranks that wait in a collective for a failed one are ended. Without it an exception that
// leaves main also ends the world, but by abort() and without the sentence. A body that returns an int and
// returns non-zero fails too, and prints nothing.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ashlar::comm {

namespace detail {

// How the ranks of a world agree on its end. A communicator that joins processes hands one in when it is
// made; the last one made counts, and it outlives the communicator, because a failure arrives here after the
// stack is unwound.
struct World {
  // Tells the others what happened and waits about a second for them. Which ranks failed with the same words
  // decides who prints them.
  struct Verdict {
    bool everyone;  // every rank failed: nobody is left to be ended
    bool prints;    // no lower rank prints these words
  };
  int rank;
  Verdict (*agree)(const std::string& sentence);
  void (*end)(int code);  // ends the other ranks too; may return when they end by themselves
};

void join(World);

int fail(int code);  // the exception in flight
int fail(int code, std::string_view sentence);

}  // namespace detail

// The exit code for main.
template <class Body>
int guarded(Body&& body) {
  try {
    int code = 0;
    if constexpr (std::is_void_v<std::invoke_result_t<Body>>)
      std::forward<Body>(body)();
    else
      code = std::forward<Body>(body)();
    return code == 0 ? 0 : detail::fail(code, "");
  } catch (...) {
    return detail::fail(1);
  }
}

}  // namespace ashlar::comm
