// What every communicator promises, as templates: the same checks for Solo, Mpi, Recorded<Mpi> and Nccl.
//
// Every rank can compute what every other one holds, so each law compares with a plain sum or concatenation
// made here. Values are small integers: exact in every dtype, in any order of summation.
#pragma once

#include <cstdint>
#include <initializer_list>

#include <ATen/ATen.h>

#include <ashlar/concepts/communicator.hpp>
#include <ashlar/error.hpp>

#include "support/catch.hpp"

namespace ashlar::laws {

inline constexpr at::ScalarType dtypes[] = {at::kFloat, at::kDouble, at::kBFloat16,
                                            at::kHalf,  at::kLong,   at::kByte};

// Elements a rank: nothing, one, odd, around the size at which Mpi changes its way, several segments.
inline constexpr std::int64_t lengths[] = {0, 1, 7, 1000, 16384, 16385, 700001};

// What rank r holds: values 0 to 6, different for each rank.                              1D, n
inline at::Tensor held(int r, std::int64_t n, at::TensorOptions options) {
  return at::arange(n, at::kLong).add_(3 * r).remainder_(7).to(options);
}

template <class Make>
at::Tensor sum_of(int size, Make make) {
  at::Tensor sum = make(0).clone();
  for (int r = 1; r < size; ++r) sum += make(r);
  return sum;
}

inline at::Tensor piece(const at::Tensor& whole, int r, int size) {
  const auto n = whole.numel() / size;
  return whole.narrow(0, r * n, n);
}

inline void same(const at::Tensor& got, const at::Tensor& expected) {
  CHECK(got.scalar_type() == expected.scalar_type());
  CHECK(at::equal(got, expected));
}

// all_gather of the shards of a tensor is the tensor, in place or not.
template <has_all_gather C>
void all_gather(C& world, at::TensorOptions options) {
  for (const auto n : lengths) {
    INFO("all_gather, " << n << " elements a rank, " << options.dtype());
    const at::Tensor tensor = held(1, n * world.size(), options);
    at::Tensor part = piece(tensor, world.rank(), world.size()).clone();
    at::Tensor whole = at::full_like(tensor, 99);
    world.all_gather(whole, part).wait();
    same(whole, tensor);

    whole.fill_(99);
    at::Tensor own = piece(whole, world.rank(), world.size());
    own.copy_(part);
    world.all_gather(whole, own).wait();
    same(whole, tensor);
  }
}

// reduce_scatter is all_reduce followed by taking this rank's part, in place or not.
template <has_reduce_scatter C>
void reduce_scatter(C& world, at::TensorOptions options) {
  const int rank = world.rank(), size = world.size();
  for (const auto n : lengths) {
    INFO("reduce_scatter, " << n << " elements a rank, " << options.dtype());
    const auto make = [&](int r) { return held(r, n * size, options); };
    const at::Tensor expected = piece(sum_of(size, make), rank, size);
    at::Tensor whole = make(rank);
    at::Tensor part = at::full({n}, 99, options);
    world.reduce_scatter(part, whole).wait();
    same(part, expected);

    whole = make(rank);
    at::Tensor own = piece(whole, rank, size);
    world.reduce_scatter(own, whole).wait();
    same(own, expected);

    whole = make(rank);
    world.all_reduce(whole).wait();
    same(piece(whole, rank, size), part);
  }
}

template <has_all_reduce C>
void all_reduce(C& world, at::TensorOptions options) {
  for (const auto n : lengths) {
    INFO("all_reduce, " << n << " elements, " << options.dtype());
    const auto make = [&](int r) { return held(r, n, options); };
    at::Tensor tensor = make(world.rank());
    world.all_reduce(tensor).wait();
    same(tensor, sum_of(world.size(), make));
  }
}

template <has_broadcast C>
void broadcast(C& world, at::TensorOptions options) {
  for (const auto n : lengths)
    for (int root = 0; root < world.size(); ++root) {
      INFO("broadcast from " << root << ", " << n << " elements, " << options.dtype());
      at::Tensor tensor = held(world.rank(), n, options);
      world.broadcast(tensor, root).wait();
      same(tensor, held(root, n, options));
    }
}

// Sums of real numbers: every rank has the same bits; two ranks have the bits of a + b; more are within
// rounding.
template <class C>
  requires has_all_gather<C> && has_reduce_scatter<C> && has_all_reduce<C>
void real_sums(C& world, at::TensorOptions options) {
  const int rank = world.rank(), size = world.size();
  for (const std::int64_t n : {5, 40001}) {
    INFO("real sums, " << n << " elements a rank, " << options.dtype());
    const auto make = [&](int r) {
      const auto x = at::arange(n * size, at::kDouble);
      return x.mul(0.7).add_(r * 1.3).sin_().to(options);
    };
    const at::Tensor expected = sum_of(size, make);
    at::Tensor reduced = make(rank);
    world.all_reduce(reduced).wait();
    at::Tensor whole = make(rank), part = at::empty({n}, options);
    world.reduce_scatter(part, whole).wait();
    at::Tensor scattered = at::empty_like(reduced);
    world.all_gather(scattered, part).wait();
    if (size <= 2) {
      same(reduced, expected);
      same(scattered, expected);
    } else {
      // Each of the size - 1 additions rounds a sum below size by half a unit: eps / 2 * size * (size - 1).
      const double eps = options.dtype() == at::kBFloat16 ? 0x1p-8
                         : options.dtype() == at::kHalf   ? 0x1p-11
                         : options.dtype() == at::kFloat  ? 0x1p-24
                                                          : 0x1p-53;
      CHECK(at::allclose(reduced.to(at::kDouble), expected.to(at::kDouble), 0, 2 * eps * size * (size - 1)));
      CHECK(
          at::allclose(scattered.to(at::kDouble), expected.to(at::kDouble), 0, 2 * eps * size * (size - 1)));
    }
    at::Tensor of_root = reduced.clone();
    world.broadcast(of_root, 0).wait();
    same(reduced, of_root);
  }
}

// A Work that was waited for can be waited for again, moved, or never have been started.
template <has_all_reduce C>
void work(C& world, at::TensorOptions options) {
  at::Tensor tensor = held(world.rank(), 100, options);
  typename C::Work started = world.all_reduce(tensor);
  typename C::Work moved = std::move(started);
  moved.wait();
  moved.wait();
  typename C::Work none;
  none.wait();
  none = world.all_reduce(tensor);
  none.wait();
}

// Mistakes are refused before anything is sent, on every rank.
template <class C>
void mistakes(C& world, at::TensorOptions options) {
  const auto id = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what()).substr(0, std::string(error.what()).find(' '));
    }
    return "no error";
  };
  at::Tensor whole = at::zeros({4 * world.size()}, options);
  at::Tensor part = at::zeros({4}, options);
  at::Tensor longer = at::zeros({5}, options);
  at::Tensor other = at::zeros({4}, options.dtype(options.dtype() == at::kLong ? at::kFloat : at::kLong));
  at::Tensor strided = at::zeros({4, 2}, options).select(1, 0);
  at::Tensor undefined;
  CHECK(id([&] { world.all_gather(whole, longer).wait(); }) == "[ashlar.comm.3]");
  CHECK(id([&] { world.all_gather(whole, other).wait(); }) == "[ashlar.comm.2]");
  CHECK(id([&] { world.all_gather(whole, strided).wait(); }) == "[ashlar.comm.1]");
  CHECK(id([&] { world.all_gather(whole, undefined).wait(); }) == "[ashlar.comm.1]");
  CHECK(id([&] { world.all_reduce(strided).wait(); }) == "[ashlar.comm.1]");
  CHECK(id([&] { world.broadcast(part, world.size()).wait(); }) == "[ashlar.comm.5]");
  CHECK(id([&] { world.broadcast(part, -1).wait(); }) == "[ashlar.comm.5]");
  if (world.size() > 1) {
    at::Tensor wrong = piece(whole, (world.rank() + 1) % world.size(), world.size());
    CHECK(id([&] { world.all_gather(whole, wrong).wait(); }) == "[ashlar.comm.5]");
    CHECK(id([&] { world.reduce_scatter(wrong, whole).wait(); }) == "[ashlar.comm.5]");
  }
}

template <class C>
void all(C& world, at::TensorOptions options) {
  CHECK(world.rank() >= 0);
  CHECK(world.rank() < world.size());
  for (const auto dtype : dtypes) {
    const auto typed = options.dtype(dtype);
    all_gather(world, typed);
    reduce_scatter(world, typed);
    all_reduce(world, typed);
    broadcast(world, typed);
    if (at::isFloatingType(dtype)) real_sums(world, typed);
  }
  work(world, options);
  mistakes(world, options);
  world.barrier();
}

}  // namespace ashlar::laws
