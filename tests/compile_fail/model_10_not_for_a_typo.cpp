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

struct Run {};  // stand for the trainer's
struct Watch {};
template <class Runner>
Tensor loss(const Net& net, Runner& run, const Tensor& x) {  // as a trainer's
  static_assert(explain_loss<Net, Run>());
  if constexpr (loss_runs_by<Net, Run, Runner>) {
    auto&& result = (net.loss(run, x, x), detail::Returned());
    static_assert(explain_loss<Net, Run, decltype(result)>());
    if constexpr (loss_is_one<Net, Run, decltype(result)>) return result;
  }
  return x;
}
void step(const Net& net, Run& run, Watch& watch, const Tensor& x) {
  loss(net, run, x);
  loss(net, watch, x);
}
