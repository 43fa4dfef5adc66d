// Your own policy: a struct with a name and what its axis asks for. Nothing is registered, nothing is derived
// from.
//
// Every repeated layer becomes a unit here, whatever its type is called: the wrap that one would want for
// most models, without naming a block.
//
//   run:  mpirun -np 2 .build/release/examples/09_your_own_policy
//   see:  the plan of a strategy whose wrap is Repeated, and the losses of wrap::Each<Gpt::Block>
// processes: 1 2
#include <cstdio>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/laws/wrap.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

// [readme: policy]
struct Repeated {
  static constexpr std::string_view name = "Repeated";

  // Whether a module of type T below Model is a unit: if it is an element of a list of layers.
  template <class Model, class T>
  static consteval bool starts_unit() {
    return repeats<Model, T>();
  }

  // Whether the policy can be honoured: without a list it would make no unit, silently.
  template <class Model>
  static consteval bool applies() {
    return any_type<Model>([]<class T>() { return layer_list<T>; });
  }
};
static_assert(wrap_policy<Repeated>);
// [readme: end]

using Gpt = models::Gpt<models::GptShape{.vocabulary = 16, .context = 8, .layers = 3, .heads = 2, .dim = 16}>;
static_assert(laws::wrap<Repeated, Gpt>());  // what a concept cannot say

template <class Wrap>
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap>;
static_assert(plan<Strategy<Repeated>, Gpt>(world{2}).units.size() == 1 + 3);

template <class Wrap>
double train(comm::Mpi& world) {
  auto trainer = Strategy<Wrap>::template make<Gpt>(world, optim::AdamW{.learning_rate = 1e-2}, {.seed = 1});
  if (world.rank() == 0) std::printf("%s", describe(trainer.plan()).c_str());
  const Tensor ids = (at::arange(4 * 9, at::kLong).view({4, 9}) + world.rank()).remainder(16);
  for (int i = 0; i < 10; ++i) trainer.step(ids.narrow(1, 0, 8), ids.narrow(1, 1, 8));
  return trainer.evaluate(ids.narrow(1, 0, 8), ids.narrow(1, 1, 8));
}

int main() {
  return comm::guarded([] {
    comm::Mpi world;
    const double own = train<Repeated>(world), each = train<wrap::Each<Gpt::Block>>(world);
    if (world.rank() == 0) std::printf("losses %.17g and %.17g\n", own, each);
    return own == each ? 0 : 1;
  });
}
