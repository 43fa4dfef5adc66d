// What a communicator must provide: who is in the world, and one small capability for each collective.
//
//   intuition   a group of `size()` processes that each hold a tensor and want it combined.
//   needs       name, rank(), size(), barrier(); then only the collectives that a policy's verbs call.
//   may         device(): its GPU's number; capturable, a bool: whether a CUDA graph can hold all of this;
//               gather_memory(bytes).
//   laws        all_gather of the shards of a tensor is the tensor; reduce_scatter is all_reduce followed by
//               taking this rank's part; in a world of one every collective is the identity.
//   models      comm::Solo, comm::Mpi, comm::Nccl, comm::Recorded<C>.
//   promises no overlap: a collective may have run when the call returns; wait() on its Work either way.
//
// Tensors are contiguous. `whole` is 1D with size() * part.numel() elements; rank r owns elements
// [r * part.numel(), (r + 1) * part.numel()). `part` may be this rank's own piece of `whole` (in place).
// Every rank calls the same collectives in the same order. Reductions are sums.
#pragma once

#include <concepts>
#include <string_view>

#include <ashlar/concepts/policy.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar {

enum class Collective { all_gather, reduce_scatter, all_reduce, broadcast };

constexpr std::string_view to_string(Collective kind) {
  constexpr std::string_view names[] = {"all_gather", "reduce_scatter", "all_reduce", "broadcast"};
  return names[static_cast<int>(kind)];
}

// A collective under way. wait() makes the result visible to whatever the caller does next: on CPU it blocks,
// on CUDA the caller's current stream waits. Waiting twice is allowed. Destroying it without wait() is an
// error.
template <class W>
concept work = std::movable<W> && std::default_initializable<W> && requires(W& w) { w.wait(); };

template <class C>
concept communicator = requires(C& c) {
  typename C::Work;
  requires work<typename C::Work>;
  requires detail::shared<decltype(&C::name)>;
  { C::name } -> std::convertible_to<std::string_view>;
  { c.rank() } -> std::same_as<int>;
  { c.size() } -> std::same_as<int>;
  c.barrier();
};

template <class C>
concept has_all_gather = communicator<C> && requires(C& c, Tensor& whole, const Tensor& part) {
  { c.all_gather(whole, part) } -> std::same_as<typename C::Work>;
};

// Memory that is fastest to gather into. Every rank asks for as many bytes in the same order.
template <class C>
concept has_gather_memory =
    communicator<C> && requires(Tensor (C::*memory)(long)) { memory = &C::gather_memory; };

// Destroys `whole`.
template <class C>
concept has_reduce_scatter = communicator<C> && requires(C& c, Tensor& part, Tensor& whole) {
  { c.reduce_scatter(part, whole) } -> std::same_as<typename C::Work>;
};

// In place.
template <class C>
concept has_all_reduce = communicator<C> && requires(C& c, Tensor& t) {
  { c.all_reduce(t) } -> std::same_as<typename C::Work>;
};

template <class C>
concept has_broadcast = communicator<C> && requires(C& c, Tensor& t) {
  { c.broadcast(t, 0) } -> std::same_as<typename C::Work>;
};

// Its collectives run on CUDA streams alone and can be captured in a CUDA graph.
template <class C>
concept capturable = requires {
  requires detail::shared<decltype(&C::capturable)>;
  requires C::capturable;
};

// What every trainer asks of its communicator, whatever the Shard policy: to agree, to add up losses and
// norms.
template <class C>
concept trainer_communicator = communicator<C> && has_all_gather<C> && has_all_reduce<C> && has_broadcast<C>;

}  // namespace ashlar
