// Every Checkpoint policy keeps the laws of its concept, and the laws refuse one that recomputes too much.
// processes: 1 2
#include <ashlar/laws/checkpoint.hpp>

#include <ashlar/comm/mpi.hpp>
#include <ashlar/comm/solo.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("every Checkpoint policy keeps the laws") {
  comm::Mpi comm;
  CHECK(laws::checkpoint<checkpoint::None>(comm));
  CHECK(laws::checkpoint<checkpoint::Recompute>(comm));
  CHECK(laws::checkpoint<checkpoint::RecomputeEach<laws::detail::Dropped>>(comm));
  CHECK(laws::checkpoint<checkpoint::RecomputeEach<laws::detail::Dropped::Weight>>(comm));
  comm::Solo solo;
  CHECK(laws::checkpoint<checkpoint::Recompute>(solo));
}

TEST_CASE("and on a GPT") {
  comm::Mpi comm;
  using Gpt =
      models::Gpt<models::GptShape{.vocabulary = 17, .context = 6, .layers = 2, .heads = 2, .dim = 12}>;
  const Tensor ids = laws::held(comm.rank(), 12, c10::Device(c10::kCPU)).to(at::kLong).view({2, 6});
  CHECK(laws::checkpoint<checkpoint::Recompute>(comm, Gpt(), ids, ids.flip(1)));
  CHECK(laws::checkpoint<checkpoint::RecomputeEach<Gpt::Block::Mlp>>(comm, Gpt(), ids, ids.flip(1)));
}

// Scales by how often it has run: what another forward does not repeat.
struct Counts {
  using Weight = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Counts, (Weight, weight));
  mutable int runs = 0;

  Tensor forward(auto& run, const Tensor& x) const { return run(weight, x) * ++runs; }
};
struct Net {
  using Layers = std::array<laws::detail::Dropped, 2>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers), (Counts, counts));

  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    return (run(counts, run(layers[1], run(layers[0], x))) - y).square().mean();
  }
};

// Recompute, and one type more.
struct RecomputesTooMuch : checkpoint::Recompute {
  static constexpr std::string_view name = "RecomputesTooMuch";
  template <class Model, class T>
  static consteval bool recomputes() {
    return checkpoint::Recompute::recomputes<Model, T>() || std::is_same_v<T, Counts>;
  }
};

TEST_CASE("the laws refuse a broken Checkpoint policy") {
  comm::Mpi comm;
  const Tensor x = at::linspace(-1, 1, 16).view({2, 8});
  CHECK(laws::checkpoint<checkpoint::Recompute>(comm, Net(), x, x));
  CHECK_THAT(test::sentence([&] { laws::checkpoint<RecomputesTooMuch>(comm, Net(), x, x); }),
             ContainsSubstring("[ashlar.law.12]") && ContainsSubstring("RecomputesTooMuch") &&
                 ContainsSubstring("in the gradient of unit 0 on rank 0"));

  // A model without a list has nothing that Recompute recomputes.
  CHECK_THAT(test::sentence([&] { laws::checkpoint<checkpoint::Recompute>(comm, Counts(), x, x); }),
             ContainsSubstring("[ashlar.law.11]"));
}

}  // namespace
}  // namespace ashlar
