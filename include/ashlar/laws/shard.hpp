// The laws of a Shard policy (concepts/shard_policy.hpp).
//
//   law.1  unshard makes whole what sharding cut, on every rank.
//   law.2  reduce leaves each rank's part of the sum over the ranks: gathered, it is the all-reduce.
//   law.3  publish makes every rank's whole equal to the parts that the ranks updated.
//   law.4  a step with it is the step without ranks, which is Replicate's: w - rate * gradient.
//
// All numbers are small integers or multiples of a power of two, so that sums are exact in any order and what
// is due is known without a communicator.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones.h>

#include <array>
#include <boost/hana/define_struct.hpp>
#include <cmath>
#include <string>

#include <ashlar/laws/law.hpp>
#include <ashlar/laws/plain.hpp>
#include <ashlar/optim/sgd.hpp>
#include <ashlar/training.hpp>

namespace ashlar::laws {

namespace detail {

// loss = x * w^2 / 2, summed: its gradient x * w tells both what was read and what it was read for.
inline Tensor loss_of(const nn::AnyParameter& w, const Tensor& x) {
  return (x.narrow(0, 0, (*w).numel()) * (*w).flatten().square()).sum() / 2;
}

// Sizes that neither alignment nor a world divides, in units and in the root, with and without decay.
struct Layer {
  using Weight = nn::Parameter<7, 11>;
  using Bias = nn::Parameter<3>;
  BOOST_HANA_DEFINE_STRUCT(Layer, (Weight, weight), (Bias, bias));

  constexpr Layer() { weight.init = bias.init = nn::ones(); }
  Tensor forward(auto&, const Tensor& x) const { return loss_of(weight, x) + loss_of(bias, x); }
};

struct Layers {
  using List = std::array<Layer, 3>;
  using Own = nn::Parameter<5>;
  BOOST_HANA_DEFINE_STRUCT(Layers, (List, layers), (Own, own));

  constexpr Layers() { own.init = nn::ones(); }
  Tensor forward(auto& run, const Tensor& x) const {
    Tensor loss = loss_of(own, x);
    for (const Layer& layer : layers) loss = loss + run(layer, x);
    return loss;
  }
};

// What the verbs are called with by themselves: three alignments a rank.
inline constexpr long part_numel = 192;

inline Tensor piece(const Tensor& whole, int rank) {
  return whole.narrow(0, rank * part_numel, part_numel);
}

// The sum of what ranks [0, ranks) hold.                                                       1D, numel
inline Tensor sum_of_held(int ranks, long numel, c10::Device device) {
  Tensor sum = held(0, numel, device);
  for (int rank = 1; rank < ranks; ++rank) sum += held(rank, numel, device);
  return sum;
}

template <class Shard, class Comm>
void unshard_is_the_inverse_of_sharding(Comm& comm) {
  const Tensor due = held(1, comm.size() * part_numel, device_of(comm));
  const Tensor shard = piece(due, comm.rank()).clone();
  Tensor whole = at::full_like(due, 99);
  Shard::unshard(whole, shard, comm).wait();
  uphold(comm,
         {"law.1", std::string(Shard::name) + "::unshard to make whole what sharding cut",
          "put every rank's shard into whole, in the order of the ranks"},
         difference(whole, due));
}

// `in_place`: part is this rank's piece of grad, as it is after the first micro-batch.
template <class Shard, class Comm>
void reduce_then_gather_is_all_reduce(Comm& comm, bool in_place) {
  const long numel = comm.size() * part_numel;
  const Tensor due = sum_of_held(comm.size(), numel, device_of(comm));
  Tensor grad = held(comm.rank(), numel, device_of(comm)), whole = at::full_like(due, 99);
  if constexpr (shards_optimizer<Shard>) {
    Tensor part = in_place ? piece(grad, comm.rank()) : piece(whole, comm.rank()).clone();
    Shard::reduce(part, grad, comm).wait();
    comm.all_gather(whole, part).wait();
  } else {
    whole = grad.narrow(0, 0, numel);
    Shard::reduce(whole, grad, comm).wait();
  }
  uphold(comm,
         {"law.2", std::string(Shard::name) + "::reduce to leave in part the sum over the ranks",
          "add up every rank's grad, and divide nothing"},
         difference(whole, due));
}

template <class Shard, class Comm>
void publish_makes_wholes_equal(Comm& comm) {
  const Tensor due = held(2, comm.size() * part_numel, device_of(comm));
  Tensor whole = at::full_like(due, 99);
  const Tensor part = piece(whole, comm.rank()).copy_(piece(due, comm.rank()));
  Shard::publish(whole, part, comm).wait();
  uphold(comm,
         {"law.3", std::string(Shard::name) + "::publish to give every rank what each rank updated",
          "put every rank's part into whole, in the order of the ranks"},
         difference(whole, due));
}

// Shard, and a reduce that leaves a part as it is leaves 99.
template <class Shard>
struct Marked : Shard {
  static auto reduce(Tensor& part, Tensor& grad, auto& comm) {
    if (!part.is_alias_of(grad)) part.fill_(99);
    return Shard::reduce(part, grad, comm);
  }
};

// Two steps of two micro-batches: the second reads what the first has published.
template <class Shard, class Comm>
void step_is_the_step_without_ranks(Comm& comm) {
  constexpr long numel = Layer::Weight::numel;
  const int size = comm.size();
  const double rate = std::exp2(-6 - std::ceil(std::log2(size)));
  auto trainer = plain::Strategy<Marked<Shard>, plain::Checkpoint>::template make<Layers>(
      comm, optim::Sgd{.learning_rate = rate, .momentum = 0}, Recipe{.micro_batches = 2});
  const Tensor x = sum_of_held(2 * size, numel, at::kCPU);
  Tensor due = at::ones({numel});
  for (int i = 0; i < 2; ++i) {
    trainer.step([&](auto& run, int micro_batch) {
      const Tensor own = held(2 * comm.rank() + micro_batch, numel, trainer.device());
      return 2 * size * trainer.model().forward(run, own);  // the mean's divisor
    });
    due = due - rate * x * due;
  }
  // A world whose size is no power of two rounds 1/size. What is wrong is wrong by a rate or more.
  std::string wrong;
  for (const FullParameter& p : trainer.full_parameters())
    if (const auto found = difference(p.value, due.narrow(0, 0, p.value.numel()), rate / 8);
        wrong.empty() && !found.empty())
      wrong = found + " in '" + p.name + "'";
  uphold(comm,
         {"law.4", std::string("two steps under ") + std::string(Shard::name) + " to be those without ranks",
          "read again how the engine calls the verbs: for tensors of every size, in place or not"},
         wrong);
}

}  // namespace detail

// Collective.
template <class Shard, class Comm>
  requires shard_policy<Shard> && serves<Comm, Shard>
bool shard(Comm& comm) {
  if constexpr (shards_parameters<Shard>) detail::unshard_is_the_inverse_of_sharding<Shard>(comm);
  for (const bool in_place : {false, true}) detail::reduce_then_gather_is_all_reduce<Shard>(comm, in_place);
  if constexpr (shards_optimizer<Shard> && !shards_parameters<Shard>)
    detail::publish_makes_wholes_equal<Shard>(comm);
  detail::step_is_the_step_without_ranks<Shard>(comm);
  return true;
}

}  // namespace ashlar::laws
