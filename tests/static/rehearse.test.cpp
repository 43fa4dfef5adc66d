// The memory and arithmetic of a small network, counted by hand.
#include <array>
#include <tuple>

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/ops.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/plan/rehearse.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {
namespace {

struct Net {
  using Up = nn::Linear<16, 32>;
  using Down = nn::Linear<32, 16>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Up, up), (Down, down));

  constexpr auto loss(auto& run, const auto& x, const auto& targets) const {  // (8, 16), and (8), int64
    return ops::cross_entropy(run(down, ops::gelu(run(up, x))), targets);
  }
};

template <class Model, class Wrap = wrap::WholeModel, class Checkpoint = checkpoint::None>
constexpr Workload work =
    rehearse<Trainer<shard::Replicate, precision::Fp32, offload::None, Wrap, Checkpoint>, Model>(
        kernels::cpu, [](Tape& tape) {
          return std::tuple(Symbol(tape, {8, 16}, Values::f32), Symbol(tape, {8}, Values::i64));
        });

// In bytes: x 512, targets 64, up's output and gelu's 1024 each, log-softmax 512, the loss 4, and of
// the step its sum of losses 8 and five numbers that are told of it. The logits are not kept.
constexpr long inputs = 512 + 64, step = 8 + 40, after_forward = inputs + 2 * 1024 + 512 + 4 + step;
static_assert(work<Net>.saved == after_forward);

// Most is held when down's backward has made its gradients, of its input 1024 and of its bias 64, from one
// of 512 that it still holds; the seed of 4 is there, and log-softmax no longer.
static_assert(work<Net>.most == after_forward + 4 - 512 + 512 + 1024 + 64);

// A product of 2 * 8 * 16 * 32: each layer's forward and weights, and down's input. x wants no gradient.
static_assert(work<Net>.flops == 5 * 8192);

// The same network twice over as a recomputed layer keeps its input and the state of the random numbers, and
// computes its forward twice but for down's product, which no backward reads.
struct Layer {
  BOOST_HANA_DEFINE_STRUCT(Layer, (Net::Up, up), (Net::Down, down));
  constexpr auto forward(auto& run, const auto& x) const {  // (8, 16) -> same
    return run(down, ops::gelu(run(up, x)));
  }
};
template <class Layer>
struct Twice {
  using Layers = std::array<Layer, 2>;
  BOOST_HANA_DEFINE_STRUCT(Twice, (Layers, layers));
  constexpr auto loss(auto& run, const auto& x, const auto& targets) const {
    return ops::cross_entropy(run(layers[1], run(layers[0], x)), targets);
  }
};
using Deep = Twice<Layer>;

constexpr Workload kept = work<Deep>, again = work<Deep, wrap::WholeModel, checkpoint::Recompute>;
static_assert(kept.saved == inputs + 2 * (2 * 1024) + 512 + 512 + 4 + step);
static_assert(again.saved == inputs + 512 + 512 + 4 + step + 2 * random_state);
static_assert(kept.flops == 11 * 8192);
static_assert(again.flops == kept.flops + 2 * 8192);

// Not so where the product goes through more than sums.
struct Curved {
  BOOST_HANA_DEFINE_STRUCT(Curved, (Net::Up, up), (Net::Down, down));
  constexpr auto forward(auto& run, const auto& x) const {  // (8, 16) -> same
    return x + ops::gelu(x + run(down, run(up, x)));
  }
};
static_assert(work<Twice<Curved>, wrap::WholeModel, checkpoint::Recompute>.flops ==
              work<Twice<Curved>>.flops + 4 * 8192);

// Nor where the product's weight is frozen: LibTorch makes it, which knows nothing of that.
struct Held {
  using Last = nn::Frozen<Net::Down>;
  BOOST_HANA_DEFINE_STRUCT(Held, (Net::Up, up), (Last, down));
  constexpr auto forward(auto& run, const auto& x) const {  // (8, 16) -> same
    return x + run(down, run(up, x));
  }
};
static_assert(work<Twice<Held>, wrap::WholeModel, checkpoint::Recompute>.flops ==
              work<Twice<Held>>.flops + 4 * 8192);

// A layer of which autograd knows nothing computes its forward again, too.
struct Fixed {
  using Only = nn::Frozen<nn::Linear<16, 16, false>>;
  BOOST_HANA_DEFINE_STRUCT(Fixed, (Only, only));
  constexpr auto forward(auto& run, const auto& x) const { return run(only, x); }
};
struct Tuned {
  using Layers = std::array<Fixed, 1>;
  using Last = nn::Linear<16, 16>;
  BOOST_HANA_DEFINE_STRUCT(Tuned, (Layers, layers), (Last, last));
  constexpr auto loss(auto& run, const auto& x, const auto& targets) const {
    return ops::cross_entropy(run(last, run(layers[0], x)), targets);
  }
};
static_assert(work<Tuned>.flops == 3 * 4096);
static_assert(work<Tuned, wrap::WholeModel, checkpoint::Recompute>.flops ==
              (3 + 2) * 4096);  // and x's gradient

// Attention's output, 512, and its log-sum-exp, 8 * 4, stay from the first forward, which alone computes
// them.
struct Attentive {
  using Projection = nn::Linear<16, 16>;
  BOOST_HANA_DEFINE_STRUCT(Attentive, (Projection, query));
  constexpr auto forward(auto& run, const auto& x) const {  // (8, 16) -> same
    return x + ops::causal_attention(run(query, x), x, x, 1, 1);
  }
};
constexpr Workload attentive = work<Twice<Attentive>, wrap::WholeModel, checkpoint::Recompute>;
static_assert(attentive.saved == again.saved + 2 * (512 + 32));
static_assert(attentive.flops == work<Twice<Attentive>>.flops + 2 * 4096);

// Units change where gradients of parameters wait, and nothing else.
static_assert(work<Deep, wrap::Each<Layer>>.flops == kept.flops);

}  // namespace
}  // namespace ashlar
