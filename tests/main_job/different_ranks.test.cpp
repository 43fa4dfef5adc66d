// processes: 2 3
// Ranks that were started with different programs: each says what differs, before the first step, and none
// waits. And a checkpoint of another model.
#include <ashlar/ashlar.hpp>

#include <ashlar/comm/mpi.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/state/training.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"
#include "support/shared_directory.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;

constexpr models::GptShape two{.vocabulary = 32, .context = 8, .layers = 2, .heads = 2, .dim = 16};
constexpr models::GptShape three{.vocabulary = 32, .context = 8, .layers = 3, .heads = 2, .dim = 16};
constexpr models::GptShape wide{.vocabulary = 32, .context = 8, .layers = 2, .heads = 2, .dim = 32};

template <class Shard, models::GptShape shape, class Checkpoint = checkpoint::None>
using Strategy =
    Trainer<Shard, precision::Fp32, offload::None, wrap::Each<models::GptBlock<shape>>, Checkpoint>;

template <class Shard, models::GptShape shape, class Checkpoint = checkpoint::None>
std::string start(comm::Mpi& comm, const Recipe& recipe = {}) {
  return test::sentence([&] {
    Strategy<Shard, shape, Checkpoint>::template make<models::Gpt<shape>>(comm, optim::AdamW{}, recipe);
  });
}

// The last rank does what the others do not.
std::string start_apart(comm::Mpi& comm, auto others, auto last) {
  return comm.rank() + 1 == comm.size() ? last() : others();
}

TEST_CASE("ranks of different strategies, models or recipes end with the same sentence") {
  comm::Mpi comm;
  const auto zero3 = [&] { return start<shard::Zero3, two>(comm); };
  const std::string of_last = " on rank " + std::to_string(comm.size() - 1);

  CHECK_THAT(start_apart(comm, zero3, [&] { return start<shard::Zero1, two>(comm); }),
             ContainsSubstring("[ashlar.train.3]") && ContainsSubstring("the same strategy on every rank") &&
                 ContainsSubstring("Zero3") && ContainsSubstring("Zero1") && ContainsSubstring(of_last));
  CHECK_THAT(start_apart(comm, zero3, [&] { return start<shard::Zero3, two, checkpoint::Recompute>(comm); }),
             ContainsSubstring("[ashlar.train.3]") && ContainsSubstring("Recompute"));
  CHECK_THAT(start_apart(comm, zero3, [&] { return start<shard::Zero3, three>(comm); }),
             ContainsSubstring("[ashlar.train.3]") && ContainsSubstring(of_last));
  CHECK_THAT(start_apart(comm, zero3, [&] { return start<shard::Zero3, wide>(comm); }),
             ContainsSubstring("[ashlar.train.3]") && ContainsSubstring("the same model on every rank"));
  CHECK_THAT(start_apart(comm, zero3, [&] { return start<shard::Zero3, two>(comm, {.seed = 2}); }),
             ContainsSubstring("[ashlar.train.3]") && ContainsSubstring("seed 2"));
  CHECK(zero3() == "no error");
}

TEST_CASE("a checkpoint of another model or strategy is refused by all ranks, and the part is named") {
  comm::Mpi comm;
  const test::SharedDirectory directory(comm);
  auto saved = Strategy<shard::Zero3, two>::make<models::Gpt<two>>(comm, optim::AdamW{});
  state::save(directory, saved);

  auto other_model = Strategy<shard::Zero3, wide>::make<models::Gpt<wide>>(comm, optim::AdamW{});
  CHECK_THAT(test::sentence([&] { state::resume(directory, other_model); }),
             ContainsSubstring("[ashlar.state.6]") && ContainsSubstring("the model '"));
  auto other_strategy = Strategy<shard::Zero2, two>::make<models::Gpt<two>>(comm, optim::AdamW{});
  CHECK_THAT(test::sentence([&] { state::resume(directory, other_strategy); }),
             ContainsSubstring("[ashlar.state.6]") && ContainsSubstring("the strategy '") &&
                 ContainsSubstring("Zero2") && ContainsSubstring("Zero3"));
}

}  // namespace
}  // namespace ashlar
