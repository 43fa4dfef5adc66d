// expect-error: [ashlar.model.11]
#include <boost/hana/define_struct.hpp>

#include <ashlar/model/call.hpp>
#include <ashlar/nn/linear.hpp>

using namespace ashlar;

struct Batch {};  // stands for a Tensor
struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));

#ifdef FIXED
  auto forward(auto&, const auto& x) const { return x; }
#else
  auto forward(auto&, const auto& x, const auto& mask) const { return x + mask; }
#endif
};

struct Run {};  // stands for the trainer's
void predict(const Net& net, Run& run, const Batch& batch) {
  call(net, run, batch);
}
