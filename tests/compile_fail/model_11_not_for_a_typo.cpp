// expect-own-error: sqare
// What is wrong within a forward that takes what it is run with is no matter of its signature.
#include <boost/hana/define_struct.hpp>

#include <ashlar/model/call.hpp>
#include <ashlar/nn/linear.hpp>

using namespace ashlar;

struct Batch {  // stands for a Tensor
  Batch square() const { return {}; }
};
struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));

#ifdef FIXED
  auto forward(auto&, const auto& x) const { return x.square(); }
#else
  auto forward(auto&, const auto& x) const { return x.sqare(); }
#endif
};

struct Run {};  // stands for the trainer's
void predict(const Net& net, Run& run, const Batch& batch) {
  call(net, run, batch);
}
