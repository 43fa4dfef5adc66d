// expect-error: [ashlar.model.11]
// Said once, by however many executors the module is run.
#include <boost/hana/define_struct.hpp>

#include <ashlar/model/call.hpp>
#include <ashlar/nn/linear.hpp>

using namespace ashlar;

struct Batch {};  // stands for a Tensor
struct Block {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Block, (Layer, layer));

#ifdef FIXED
  auto forward(auto&, const auto& x) const { return x; }
#else
  auto forward(const auto& x) const { return x; }
#endif
};

struct Run {};  // stand for the trainer's, and for Standalone's
struct Direct {};
void train(const Block& block, Run& run, Direct& direct, const Batch& batch) {
  call(block, run, batch);
  call(block, direct, batch);
}
