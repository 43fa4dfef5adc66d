// expect-error: [ashlar.model.10]
#include <boost/hana/define_struct.hpp>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/nn/linear.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));

#ifdef FIXED
  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const;
#else
  Tensor loss(auto& run, const Tensor& x) const;
#endif
};

struct Run {};  // stands for the trainer's
static_assert(explain_loss<Net, Run>());
