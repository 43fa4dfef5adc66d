#include <ashlar/comm/during.hpp>

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
                                        "the end of the program"};
  return names[static_cast<std::size_t>(call)];
}

namespace detail {

std::string did(Joint call) {
  if (call == Joint::none) return "called nothing";
  return call == Joint::end ? "ended its program" : "called " + std::string(to_string(call));
}

Error different_calls(int rank, const std::string& did, int other, const std::string& other_did) {
  if (rank < other) return different_calls(other, other_did, rank, did);
  return {"comm.17", "the same call on every rank",
          "two: rank " + std::to_string(rank) + " " + did + " while rank " + std::to_string(other) + " " +
              other_did,
          "make as many calls on every rank, in the same order, and none that only some ranks reach"};
}

}  // namespace detail
}  // namespace ashlar::comm
