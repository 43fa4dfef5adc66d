#include <ashlar/comm/during.hpp>

#include <algorithm>

namespace ashlar::comm {

std::string_view to_string(Joint call) {
  constexpr std::string_view names[] = {"none",
                                        "make()",
                                        "step()",
                                        "evaluate()",
                                        "predict()",
                                        "full_parameters()",
                                        "state::save()",
                                        "state::load()",
                                        "state::resume()",
                                        "barrier()",
                                        "the end of its communicator",
                                        "the end of the program"};
  return names[static_cast<std::size_t>(call)];
}

namespace detail {

std::string did(Joint call) {
  if (call == Joint::none) return "called nothing";
  if (call == Joint::leave) return "ended its communicator";
  if (call == Joint::end) return "ended its program";
  return "called " + std::string(to_string(call));
}

Error different_calls(int rank, const std::string& did, int other, const std::string& other_did) {
  if (rank < other) return different_calls(other, other_did, rank, did);
  return {"comm.17", "the same call on every rank",
          "two: rank " + std::to_string(rank) + " " + did + " while rank " + std::to_string(other) + " " +
              other_did,
          "make as many calls on every rank, in the same order, and none that only some ranks reach"};
}

std::string different_calls(int rank, History calls, int other, History other_calls) {
  const int last = std::min(calls.count(), other_calls.count());
  for (int number = last - History::remembered + 1; number <= last; ++number) {
    const Joint a = calls.call(number), b = other_calls.call(number);
    if (a != b && a != Joint::none && b != Joint::none)
      return different_calls(rank, did(a), other, did(b)).what();
  }
  return "";
}

}  // namespace detail
}  // namespace ashlar::comm
