// expect-error: [ashlar.model.10]
#include <boost/hana/define_struct.hpp>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/nn/linear.hpp>

using namespace ashlar;

struct Run {};  // stands for the trainer's
struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));

#ifdef FIXED
  const Tensor& loss(auto& run, const Tensor& x, const Tensor& y) const;
#else
  double loss(auto& run, const Tensor& x, const Tensor& y) const;
#endif
};

using Result =
    decltype(Net().loss(std::declval<Run&>(), std::declval<const Tensor&>(), std::declval<const Tensor&>()));
static_assert(explain_loss<Net, Run, Result>());
