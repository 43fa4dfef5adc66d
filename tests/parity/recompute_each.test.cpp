// Parity of checkpoint::RecomputeEach where recomputed modules and units lie inside one another or side by
// side: under Zero2, whose parameters are always whole, and Zero3, which gathers them again for backward.
#include "parity/parity.hpp"

namespace ashlar::test {
namespace {

template <class Model, class Wrap, class Checkpoint>
void check() {
  check_parity<Trainer<shard::Zero2, precision::Fp32, offload::None, Wrap, Checkpoint>, Model>({.seed = 7},
                                                                                               GoesOn());
  check_parity<Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap, Checkpoint>, Model>({.seed = 7},
                                                                                               GoesOn());
}

template <class Model>
using Attention = typename Model::Block::Attention;

TEST_CASE("recomputed modules inside units") {
  check<SmallGpt, wrap::Each<SmallGpt::Block>, checkpoint::RecomputeEach<Attention<SmallGpt>>>();
}
TEST_CASE("recomputed modules that are units") {
  check<SmallLlama, wrap::BySize<6000>, checkpoint::RecomputeEach<Attention<SmallLlama>>>();
}
TEST_CASE("units inside recomputed modules") {
  check<SmallGpt, wrap::Each<Attention<SmallGpt>::QueryKeyValue>,
        checkpoint::RecomputeEach<Attention<SmallGpt>>>();
}
TEST_CASE("two recomputed modules of a layer") {
  using Block = SmallGpt::Block;
  check<SmallGpt, wrap::Each<Block>, checkpoint::RecomputeEach<Block::Attention, Block::Mlp>>();
}

}  // namespace
}  // namespace ashlar::test
