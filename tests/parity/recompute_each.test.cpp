// Parity of checkpoint::RecomputeEach, for every Shard and Wrap: of attention, which may lie inside a unit or
// hold several, and of attention and feed-forward side by side.
#include "parity/parity.hpp"

namespace ashlar::test {
namespace {

template <class Precision, template <class> class WrapFor, class Model>
void check_recomputed(long vocabulary) {
  using Block = typename Model::Block;
  using checkpoint::RecomputeEach;
  check_parity<Precision, WrapFor<Model>, RecomputeEach<typename Block::Attention>, Model>(vocabulary);
}

template <class Model>
using Projections = wrap::Each<typename Model::Block::Attention::QueryKeyValue>;

TEST_CASE("one unit") {
  check_recomputed<precision::Fp32, Whole, SmallGpt>(67);
}
TEST_CASE("recomputed modules inside units") {
  check_recomputed<precision::Fp32, Blocks, SmallGpt>(67);
  check_recomputed<precision::Bf16Mixed, Blocks, SmallLlama>(61);
}
TEST_CASE("recomputed modules that are units") {
  check_recomputed<precision::Fp32, Large, SmallLlama>(61);
}
TEST_CASE("units inside recomputed modules") {
  check_recomputed<precision::Fp32, Projections, SmallGpt>(67);
}
TEST_CASE("two recomputed modules of a layer") {
  using Block = SmallGpt::Block;
  check_parity<precision::Fp32, wrap::Each<Block>, checkpoint::RecomputeEach<Block::Attention, Block::Mlp>,
               SmallGpt>(67);
}

}  // namespace
}  // namespace ashlar::test
