// labels: system
// A call that one rank alone refuses, and whose exception it swallows: the others wait for it there until it
// makes another call or ends, and then all end with both calls named.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "comm/processes.hpp"
#include "support/catch.hpp"
#include "support/runner.hpp"

#ifdef ASHLAR_WITH_MPI
#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/policies.hpp>

namespace ashlar {

using Catch::Matchers::ContainsSubstring;

namespace {

// Rank 0 has loaded other bytes into its module, and takes what that costs for granted.
int probe(const std::string& call) {
  using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
  comm::Mpi world;
  torch::nn::Linear net(6, 1);
  auto trainer = Strategy::make(net, world, optim::Sgd{});
  if (world.rank() == 0) net->weight.set_data(at::ones({1, 6}));
  const auto make_call = [&] {
    if (call == "predict") trainer.predict(at::ones({2, 6}));
    if (call == "full_parameters") trainer.full_parameters();
  };
  if (world.rank() > 0) {
    make_call();
    return 0;
  }
  try {
    make_call();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 0;
}

}  // namespace

TEST_CASE("a rank that refuses a call by itself does not leave the others waiting") {
  if (test::mpirun_missing()) return;
  for (const std::string call : {"predict", "full_parameters"}) {
    const auto both = test::run("export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; " +
                                test::probe(call, "timeout 20 mpirun --oversubscribe --mca btl ^tcp -np 2"));
    INFO(both.output);
    CHECK(both.code != 0);
    CHECK(both.code != test::timed_out);
    CHECK_THAT(both.output, ContainsSubstring("[ashlar.parameter.1]"));
    CHECK_THAT(both.output,
               ContainsSubstring("[ashlar.comm.17]") &&
                   ContainsSubstring("rank 1 called " + call + "() while rank 0 ended its program"));
  }
}

}  // namespace ashlar
#endif

int main(int argc, char** argv) {
#ifdef ASHLAR_WITH_MPI
  if (const char* name = std::getenv("ASHLAR_PROBE")) return ashlar::probe(name);
#endif
  return ashlar::test::run_tests(argc, argv);
}
