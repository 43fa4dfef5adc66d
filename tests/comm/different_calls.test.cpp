// labels: system
// Ranks that do not make the same calls: nobody waits for ever, and the two calls are named. Each case runs
// this program again as several ranks, on CPUs or GPUs, and each rank has a word whose letters are its calls.
#include <ashlar/comm/during.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "comm/processes.hpp"
#include "support/catch.hpp"
#include "support/runner.hpp"

#ifdef ASHLAR_WITH_MPI
#include <ashlar/ashlar.hpp>
#include <ashlar/comm/detail/mpi_peers.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/state/training.hpp>
#endif
#ifdef ASHLAR_WITH_CUDA
#include <ashlar/comm/nccl.hpp>
#endif

namespace ashlar {

using comm::History;
using comm::Joint;

TEST_CASE("a history knows the latest calls, by number") {
  History calls;
  CHECK(calls.current() == Joint::none);
  for (int i = 0; i < 20; ++i) calls = calls.begun(i % 2 ? Joint::evaluate : Joint::step).ended();
  calls = calls.begun(Joint::resume);
  CHECK(calls.count() == 21);
  CHECK(calls.current() == Joint::resume);
  CHECK(calls.call(20) == Joint::evaluate);
  CHECK(calls.call(14) == Joint::evaluate);
  CHECK(calls.call(13) == Joint::none);  // forgotten
  CHECK(calls.call(22) == Joint::none);  // not yet
  CHECK(calls.ended().current() == Joint::none);
  CHECK(calls.ended().call(21) == Joint::resume);
}

TEST_CASE("a call within a call is part of it") {
  const comm::During outer(Joint::save, 2);
  const int count = comm::now().count();
  {
    const comm::During inner(Joint::full_parameters, 2);
    CHECK(comm::now().current() == Joint::save);
  }
  CHECK(comm::now().current() == Joint::save);
  CHECK(comm::now().count() == count);
}

TEST_CASE("a call of a world of one is nobody else's") {
  const int count = comm::now().count();
  const comm::During alone(Joint::step, 1);
  CHECK(comm::now().current() == Joint::none);
  CHECK(comm::now().count() == count);
}

TEST_CASE("ranks are told apart by the calls that both remember") {
  using comm::detail::different_calls;
  const auto after = [](std::initializer_list<Joint> calls) {
    History history;
    for (const Joint call : calls) history = history.begun(call).ended();
    return history;
  };
  const auto ahead = after({Joint::make, Joint::step, Joint::step, Joint::step});
  CHECK(different_calls(1, after({Joint::make, Joint::step}), 0, ahead).empty());
  CHECK(different_calls(1, History(), 0, ahead).empty());
  const auto other = different_calls(1, after({Joint::make, Joint::evaluate}), 0, ahead);
  CHECK_THAT(other,
             Catch::Matchers::ContainsSubstring("rank 1 called evaluate() while rank 0 called step()"));
  CHECK(other == different_calls(0, ahead, 1, after({Joint::make, Joint::evaluate})));
}

#ifdef ASHLAR_WITH_MPI
namespace {

using Catch::Matchers::ContainsSubstring;

struct Net {
  using Layer = nn::Linear<8, 8>;
  using Layers = std::array<Layer, 2>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers));
  Tensor forward(auto& run, Tensor x) const {  // (B, 8) -> same
    for (const Layer& layer : layers) x = run(layer, x);
    return x;
  }
  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const { return at::mse_loss(forward(run, x), y); }
};

// Each letter is a call: see the switch.
template <class Shard, class World>
void make_calls(World& world, const std::string& calls) {
  using Strategy = Trainer<Shard, precision::Fp32, offload::None, wrap::Each<Net::Layer>>;
  const auto directory = std::filesystem::path(std::getenv("ASHLAR_PROBE_DIRECTORY"));
  auto trainer = Strategy::template make<Net>(world, optim::Sgd{.learning_rate = 0.1}, {});
  const Tensor x = at::ones({4, 8}), y = at::zeros({4, 8});
  const auto here = at::TensorOptions(trainer.device());
  Tensor sum = at::ones({4}, here), large = at::ones({1 << 20}, here);
  for (const char call : calls) switch (call) {
      case 's':
        trainer.step(x, y);
        break;
      case 'e':
        trainer.evaluate(x, y);
        break;
      case 'p':
        trainer.predict(x);
        break;
      case 'f':
        trainer.full_parameters();
        break;
      case 'S':
        state::save(directory, trainer);
        break;
      case 'R':
        state::resume(directory, trainer);
        break;
      case 'm':
        Strategy::template make<Net>(world, optim::Sgd{.learning_rate = 0.1}, {});
        break;
      case 'M':
        World();
        break;
      case 'r':
        world.all_reduce(sum).wait();
        break;
      case 'l':
        world.all_reduce(large).wait();
        break;
      case 'b':
        world.barrier();
        break;
      case '0':
        world.broadcast(sum, 0).wait();
        break;
      case '1':
        world.broadcast(sum, 1).wait();
        break;
      case 'w':
        std::this_thread::sleep_for(std::chrono::seconds(1));
        break;
      case 't':
        throw std::runtime_error("a mistake of its own");
      case 'x':  // a step whose objective throws, which the caller takes for granted
        try {
          trainer.step([&](auto&, int) -> Tensor { throw std::runtime_error("caught"); });
        } catch (const std::runtime_error&) {
        }
        break;
      case 'X':
        std::exit(0);
      default:
        throw std::logic_error("no such call");
    }
}

// strategy:how:calls of rank 0:calls of rank 1:... ; the last for all others.
int probe(const std::string& name) {
  std::vector<std::string> words;
  std::istringstream text(name);
  for (std::string word; std::getline(text, word, ':');) words.push_back(word);
  const auto run = [&](auto& world) {
    const std::string& calls = words[std::min(words.size() - 1, 2 + static_cast<std::size_t>(world.rank()))];
    if (words[0] == "zero3")
      make_calls<shard::Zero3>(world, calls);
    else
      make_calls<shard::Replicate>(world, calls);
  };
  const auto body = [&] {
#ifdef ASHLAR_WITH_CUDA
    if (std::getenv("MASTER_PORT") != nullptr) {
      comm::Nccl world;
      return run(world);
    }
#endif
    comm::Mpi world;
    comm::detail::Peers::get().tell_waits_after(std::chrono::milliseconds(200));
    run(world);
  };
  if (words[1] == "guarded") return comm::guarded(body);
  body();
  return 0;
}

test::Outcome ranks(int world, const std::string& name) {
  return test::run(
      "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
      "ASHLAR_PROBE_DIRECTORY=\"$(mktemp -d)\"; " +
      test::probe(name, "timeout 20 mpirun --oversubscribe --mca btl ^tcp -np " + std::to_string(world)) +
      "; code=$?; rm -rf \"$ASHLAR_PROBE_DIRECTORY\"; exit $code");
}

}  // namespace

TEST_CASE("a rank waits for another and says so; it takes a step more than the other, and both end") {
  if (test::mpirun_missing()) return;
  const auto both = ranks(2, "replicate:guarded:sss:sws");
  INFO(both.output);
  CHECK(both.code != 0);
  CHECK(both.code != test::timed_out);
  CHECK_THAT(both.output,
             ContainsSubstring("rank 0: step() has waited ") && ContainsSubstring(" s for rank 1"));
  CHECK_THAT(both.output, ContainsSubstring("[ashlar.comm.17]"));
  CHECK_THAT(both.output, ContainsSubstring("rank 1 ended its program while rank 0 called step()"));
}

TEST_CASE("ranks that make different calls end, and the calls are named") {
  if (test::mpirun_missing()) return;
  const auto four = ranks(4, "zero3:plain:ss:ss:se:ss");
  INFO(four.output);
  CHECK(four.code != 0);
  CHECK(four.code != test::timed_out);
  CHECK_THAT(four.output, ContainsSubstring("[ashlar.comm.17]"));
  CHECK_THAT(four.output, ContainsSubstring("rank 2 called evaluate() while rank 1 called step()") ||
                              ContainsSubstring("rank 3 called step() while rank 2 called evaluate()"));
}

#ifdef ASHLAR_WITH_CUDA
// The third step is captured, and those after it are replayed.
TEST_CASE("on GPUs, too, ranks that make different calls end, and the calls are named") {
  const auto two = [](const std::string& name) {
    const std::string launch = std::string(std::getenv("ASHLAR_SOURCE_DIR")) + "/cmake/launch.sh";
    return test::run("export ASHLAR_PROBE_DIRECTORY=\"$(mktemp -d)\"; " +
                     test::probe(name, "timeout 60 bash '" + launch + "' --gpus 2") +
                     "; code=$?; rm -rf \"$ASHLAR_PROBE_DIRECTORY\"; exit $code");
  };
  const auto check = [&](const std::string& name, const std::string& said) {
    const auto both = two(name);
    if (both.code == 77) {
      WARN("SKIP: there are no two GPUs");
      return;
    }
    INFO(name << "\n" << both.output);
    CHECK(both.code != 0);
    CHECK(both.code != test::timed_out);
    CHECK_THAT(both.output, ContainsSubstring("[ashlar.comm.17]") && ContainsSubstring(said));
  };
  const std::string ended = "rank 1 ended its communicator while rank 0 called step()";
  check("replicate:guarded:sssssss:sssss", ended);
  check("zero3:guarded:sssssss:sssss", ended);
  check("zero3:plain:ss:s", ended);
  const std::string differs = "rank 1 called evaluate() while rank 0 called step()";
  check("replicate:guarded:sssssss:ssssse", differs);
  check("zero3:plain:ss:se", differs);
  check("zero3:guarded:ssssS:ssssf", "rank 1 called full_parameters() while rank 0 called state::save()");
}
#endif
#endif

}  // namespace ashlar

int main(int argc, char** argv) {
#ifdef ASHLAR_WITH_MPI
  if (const char* name = std::getenv("ASHLAR_PROBE")) return ashlar::probe(name);
#endif
  return ashlar::test::run_tests(argc, argv);
}
