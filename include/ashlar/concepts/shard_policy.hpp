// What a Shard policy must provide: where parameters, gradients and optimizer state live, and what moves
// them.
//
//   Replicate     everything whole on every rank                      DDP, FSDP NO_SHARD
//   Zero1         optimizer state sharded                             ZeRO-1
//   Zero2         optimizer state and gradients sharded               ZeRO-2
//   ShardGradOp   all sharded at rest, whole from forward to the      FSDP SHARD_GRAD_OP
//                 end of the step's last backward
//   Zero3         all sharded, whole one unit at a time               ZeRO-3, FSDP FULL_SHARD
//
//   intuition   a point in a small space: a placement for each of three kinds of tensor.
//   needs       name; parameters, gradients, optimizer (placements); reshard_after; reduce(part, grad, comm);
//               unshard(whole, shard, comm) where parameters are sharded;
//               publish(whole, part, comm) where parameters are replicated and optimizer state is sharded;
//               dimensions, where its world has more than one; prefetch, where more units than one, or none,
//               are gathered ahead.
//   laws        unshard after sharding is the identity; reduce then gather equals an all-reduce;
//               publish makes every rank's whole equal; a step equals Replicate's step (laws/shard.hpp checks
//               them).
//   promises no order between the collectives of different units: the engine's schedule decides that.
#pragma once

#include <concepts>
#include <string_view>

#include <ashlar/concepts/communicator.hpp>
#include <ashlar/concepts/policy.hpp>

namespace ashlar {

enum class placement { replicated, sharded };

// When whole parameters that rest sharded are given back: after each forward, or after the last backward of a
// step.
enum class pass { forward, backward };

template <class S>
concept places_parameters = requires { &S::parameters; } && detail::shared<decltype(&S::parameters)> &&
                            requires { typename detail::constant<placement, S::parameters>; };

template <class S>
concept places_gradients = requires { &S::gradients; } && detail::shared<decltype(&S::gradients)> &&
                           requires { typename detail::constant<placement, S::gradients>; };

template <class S>
concept places_optimizer = requires { &S::optimizer; } && detail::shared<decltype(&S::optimizer)> &&
                           requires { typename detail::constant<placement, S::optimizer>; };

template <class S>
concept says_when_to_reshard =
    requires { &S::reshard_after; } && detail::shared<decltype(&S::reshard_after)> &&
    requires { typename detail::constant<pass, S::reshard_after>; };

// Has any of the four, which a policy of another axis does not.
template <class S>
concept shard_like =
    places_parameters<S> || places_gradients<S> || places_optimizer<S> || says_when_to_reshard<S>;

template <class S>
concept placed =
    places_parameters<S> && places_gradients<S> && places_optimizer<S> && says_when_to_reshard<S>;

// Sharded parameters need sharded gradients, and sharded gradients a sharded optimizer: otherwise a rank
// would hold the state to update elements that it has no gradient, or no parameters, for.
template <class S>
concept sensible_placement =
    placed<S> && !(S::parameters == placement::sharded && S::gradients == placement::replicated) &&
    !(S::gradients == placement::sharded && S::optimizer == placement::replicated);

// What is whole at rest is never resharded, so nothing could honour when.
template <class S>
concept reshards_what_is_sharded =
    placed<S> && (S::parameters == placement::sharded || S::reshard_after == pass::backward);

// What is gathered ahead takes room in advance, so it is a constant.
template <class S>
concept prefetches_some_units = !requires { S::prefetch; } || requires {
  requires detail::shared<decltype(&S::prefetch)>;
  typename detail::constant<int, S::prefetch>;
  requires S::prefetch >= 0;
};

namespace detail {
template <class S>
concept sharded_parameters = placed<S> && S::parameters == placement::sharded;
template <class S>
concept sharded_optimizer = placed<S> && S::optimizer == placement::sharded;
}  // namespace detail

// `part` is what this rank's optimizer reads: the whole gradient where the optimizer is replicated.
template <class S, class C>
concept reduces = requires(Tensor& part, Tensor& grad, C& comm) {
  { S::reduce(part, grad, comm) } -> std::same_as<typename C::Work>;
};

template <class S, class C>
concept unshards = !detail::sharded_parameters<S> || requires(Tensor& whole, const Tensor& shard, C& comm) {
  { S::unshard(whole, shard, comm) } -> std::same_as<typename C::Work>;
};

template <class S, class C>
concept publishes = detail::sharded_parameters<S> || !detail::sharded_optimizer<S> ||
                    requires(Tensor& whole, const Tensor& part, C& comm) {
                      { S::publish(whole, part, comm) } -> std::same_as<typename C::Work>;
                    };

// A communicator that has every collective, declared only: what policies are checked against.
struct CommunicatorArchetype {
  struct Work {
    void wait();
  };
  static constexpr std::string_view name = "archetype";
  int rank() const;
  int size() const;
  void barrier();
  Work all_gather(Tensor& whole, const Tensor& part);
  Work reduce_scatter(Tensor& part, Tensor& whole);
  Work all_reduce(Tensor& tensor);
  Work broadcast(Tensor& tensor, int root);
};

template <class S, class C = CommunicatorArchetype>
concept shard_policy =
    names_itself<S> && sensible_placement<S> && reshards_what_is_sharded<S> && prefetches_some_units<S> &&
    counts_dimensions<S> && reduces<S, C> && unshards<S, C> && publishes<S, C>;

}  // namespace ashlar
