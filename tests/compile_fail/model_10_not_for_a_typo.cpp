// expect-own-error: sqare
// What is wrong within a loss that takes the batch is no matter of its signature, and is said once.
#include <boost/hana/define_struct.hpp>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/nn/linear.hpp>

class at::Tensor {
 public:
  Tensor square() const { return {}; }
};

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));

#ifdef FIXED
  auto loss(auto&, const auto& x, const auto&) const { return x.square(); }
#else
  auto loss(auto&, const auto& x, const auto&) const { return x.sqare(); }
#endif
};

struct Run {};  // stands for the trainer's
template <class Executor>
Tensor loss(const Net& net, Executor& run, const Tensor& x) {  // as a trainer's
  static_assert(explain_loss<Net, Executor>());
  if constexpr (loss_fits<Net, Executor>) {
    auto&& result = (net.loss(run, x, x), detail::Returned());
    static_assert(explain_loss<Net, Executor, decltype(result)>());
    if constexpr (loss_is_one<Net, Executor, decltype(result)>) return result;
  }
  return x;
}
Tensor step(const Net& net, Run& run, const Tensor& x) {
  return loss(net, run, x);
}
