// Flat: the trained, or the frozen, parameters of one unit, and everything this rank keeps of them.
//
// [Note: the tensors]
//   whole    the parameters end to end, padded; what forward and backward read   1D, numel, compute
//   shard    this rank's part of whole; what an all-gather sends                 1D, numel/N, compute
//   master   what the optimizer updates; of numel/N if its state is sharded      1D, numel or numel/N, master
//   rest     where Precision splits masters, what is kept of one beside compute  1D, like master, int16
//   grad     the gradient, laid out as whole; what a reduction sends             1D, numel, reduce
//   part     what the optimizer reads of grad                                    1D, like master, reduce
//   states   what the optimizer remembers                                        1D, like master, master
//   due      part on the host, where the optimizer rests there                   1D, like master, reduce
//   copy     master on its way back from there; its upper half if it is split    1D, like master, compute
// The last word is the type, by its name in Precision; N is the number of ranks.
//
// Tensors of equal type and place share memory: in Fp32 under Replicate master is shard is whole; so do copy
// and master, unless types differ. There is no due where the optimizer rests on the device. On the host,
// master, rest, states, due and copy are the updating thread's until it is done with the unit. A master that
// is split is made of its upper half, which is shard, whole or copy, and rest for its update alone
// (engine/split.hpp).
// A tensor that is sharded at rest has no bytes of its own while whole: a slot lends them
// (engine/memory.hpp). A part that is sharded is there from its gradient's reduction to the next step.
#pragma once

#include <deque>
#include <vector>

#include <ashlar/concepts/offload_policy.hpp>
#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/concepts/shard_policy.hpp>
#include <ashlar/engine/memory.hpp>
#include <ashlar/nn/parameter.hpp>
#include <ashlar/plan/layout.hpp>

namespace ashlar {

// One trained parameter of a flat: what autograd knows of it, and where its gradient goes.
struct Leaf {
  Tensor tensor;  // ND, window of whole
  Tensor window;  // ND, window of grad
  Tensor self;    // the bytes of `gradient`
  nn::Gradient gradient{};
  bool accumulates = false;  // autograd adds into the window itself: a torch module's

  // Before a backward: `fresh` if it writes, rather than adds to, what is in the window.
  void begin(bool fresh);
  // After it: what autograd accumulated is in the window too, and without a gradient the window is zero.
  void collect();
  // Whether autograd has accumulated what no window takes: before its backward or after it. Forgets it.
  bool forget();
};

struct Flat {
  Layout layout;
  Tensor whole, shard, master, rest, grad, part, due, copy;
  std::vector<Tensor> states;
  std::deque<Leaf> leaves;         // by piece; never moved
  std::vector<Tensor> of_modules;  // a torch module's own tensors, windows of whole
  c10::Storage sealed{};           // their storage while whole has no bytes; to use it throws model.14
  long shard_begin = 0;            // elements of whole before shard's first
  long master_begin = 0;           // and before master's

  bool empty() const { return layout.empty(); }

  // A new leaf for the next piece.
  Leaf& add_leaf(Tensor tensor, bool accumulates);

  // Where parameters are sharded: when whole has lost its bytes, and when it has some again.
  void seal();
  void unseal();
  // Whether a window of whole is one still, sealed or not.
  bool holds(const Tensor& window) const;

  // Padding, which no parameter writes: before a gradient is made in memory that another unit has written.
  void zero_padding();
  // Before each backward into grad, of which the first is `fresh`, and after it.
  void begin_gradient(bool fresh);
  void collect_gradient();
  // The name of the first parameter with a gradient that came before begin_gradient() or after
  // collect_gradient(); null without one. Forgets them.
  const Name* forget_gradients();
};

template <class Shard>
inline constexpr bool shards_parameters = Shard::parameters == placement::sharded;
template <class Shard>
inline constexpr bool shards_gradients = Shard::gradients == placement::sharded;
template <class Shard>
inline constexpr bool shards_optimizer = Shard::optimizer == placement::sharded;

// `states`: how many tensors the optimizer remembers, and `rests` where; nothing but whole and shard is made
// of a frozen flat.
template <class Shard, class Precision, memory rests = memory::device>
Flat make_flat(Layout layout, int rank, c10::Device device, bool trained, int states) {
  Flat flat;
  flat.layout = std::move(layout);
  const long numel = flat.layout.numel, part = flat.layout.shard;
  flat.shard_begin = rank * part;
  if constexpr (shards_parameters<Shard>) {
    flat.whole = unbacked(numel, Precision::compute, device);
    flat.shard = zeros(part, Precision::compute, device);
  } else {
    flat.whole = zeros(numel, Precision::compute, device);
    flat.shard = flat.whole.narrow(0, flat.shard_begin, part);
  }
  if (!trained) return flat;

  const long kept = shards_optimizer<Shard> ? part : numel;
  flat.master_begin = shards_optimizer<Shard> ? flat.shard_begin : 0;
  const auto resting = [&](dtype type) {
    return rests == memory::host ? host_zeros(kept, type, device) : zeros(kept, type, device);
  };
  if constexpr (Precision::master == Precision::compute && rests == memory::device)
    flat.master = shards_optimizer<Shard> ? flat.shard : flat.whole;
  else if constexpr (splits_master<Precision>)
    flat.rest = resting(Precision::compute).view(at::kShort);
  else
    flat.master = resting(Precision::master);
  if constexpr (shards_gradients<Shard>) {
    flat.grad = unbacked(numel, Precision::reduce, device);
  } else {
    flat.grad = zeros(numel, Precision::reduce, device);
    flat.part = flat.grad.narrow(0, flat.master_begin, kept);
  }
  for (int i = 0; i < states; ++i) flat.states.push_back(resting(Precision::master));
  if constexpr (rests == memory::host) flat.due = resting(Precision::reduce);
  flat.copy = rests == memory::host && Precision::master != Precision::compute ? resting(Precision::compute)
                                                                               : flat.master;
  return flat;
}

// Copies elements [begin, end) of `values`, 1D and laid out from `offset` of whole on, into `target`, which
// starts at element `target_begin` of whole; what lies outside target is left out.
void copy_overlap(const Tensor& target, long target_begin, const Tensor& values, long offset);

}  // namespace ashlar
