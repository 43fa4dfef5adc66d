// Flat: what each strategy makes of it, what shares memory, and how gradients come into their windows.
#include <ashlar/engine/flat.hpp>

#include <ATen/ATen.h>

#include <vector>

#include <ashlar/policies.hpp>

#include "support/catch.hpp"

namespace ashlar {
namespace {

const c10::Device cpu(c10::kCPU);

// A matrix of 3x5 and a bias of 5 over three ranks: 192 elements, of which a rank has 64.
Layout small() {
  return Layout({{Name("bias"), 5, false, 0}, {Name("matrix"), 15, true, 0}}, 3);
}

bool backed(const Tensor& tensor) {
  return tensor.storage().data() != nullptr;
}

// Whether `part` is the elements of `whole` from `offset` on: the same memory.
bool lies_at(const Tensor& part, const Tensor& whole, long offset) {
  return part.storage().is_alias_of(whole.storage()) &&
         part.storage_offset() == whole.storage_offset() + offset;
}

template <class Shard, class Precision>
void check_flat(int rank) {
  INFO(std::string(Shard::name) << ", " << std::string(Precision::name) << ", rank " << rank);
  constexpr bool parameters = Shard::parameters == placement::sharded;
  constexpr bool gradients = Shard::gradients == placement::sharded;
  constexpr bool optimizer = Shard::optimizer == placement::sharded;
  const auto compute = scalar_type(Precision::compute), reduce = scalar_type(Precision::reduce),
             master = scalar_type(Precision::master);
  const long begin = 64 * rank, kept = optimizer ? 64 : 192;
  const Flat flat = make_flat<Shard, Precision>(small(), rank, cpu, true, 2);

  CHECK(flat.whole.numel() == 192);
  CHECK(flat.whole.scalar_type() == compute);
  CHECK(backed(flat.whole) == !parameters);
  CHECK(flat.shard.numel() == 64);
  CHECK(flat.shard.scalar_type() == compute);
  CHECK(flat.shard_begin == begin);
  CHECK(backed(flat.shard));
  CHECK(lies_at(flat.shard, flat.whole, begin) == !parameters);

  CHECK(flat.master_begin == (optimizer ? begin : 0));
  CHECK(flat.master.defined() == !splits_master<Precision>);
  CHECK(flat.rest.defined() == splits_master<Precision>);
  if constexpr (splits_master<Precision>) {
    CHECK(flat.rest.numel() == kept);
    CHECK(flat.rest.scalar_type() == at::kShort);
    CHECK(flat.rest.eq(0).all().item<bool>());
  } else {
    CHECK(flat.master.numel() == kept);
    CHECK(flat.master.scalar_type() == master);
    CHECK(lies_at(flat.master, optimizer ? flat.shard : flat.whole, 0) == (compute == master));
  }

  CHECK(flat.grad.numel() == 192);
  CHECK(flat.grad.scalar_type() == reduce);
  CHECK(backed(flat.grad) == !gradients);
  CHECK(flat.part.defined() == !gradients);  // where it is sharded, a reduction makes it
  if (!gradients) {
    CHECK(flat.part.numel() == kept);
    CHECK(lies_at(flat.part, flat.grad, optimizer ? begin : 0));
  }

  REQUIRE(flat.states.size() == 2);
  for (const Tensor& state : flat.states) {
    CHECK(state.numel() == kept);
    CHECK(state.scalar_type() == master);
    CHECK(state.eq(0).all().item<bool>());
  }
  CHECK_FALSE(flat.states[0].storage().is_alias_of(flat.states[1].storage()));

  const Flat frozen = make_flat<Shard, Precision>(small(), rank, cpu, false, 2);
  CHECK(frozen.whole.numel() == 192);
  CHECK(frozen.shard.numel() == 64);
  CHECK_FALSE(frozen.master.defined());
  CHECK_FALSE(frozen.rest.defined());
  CHECK_FALSE(frozen.grad.defined());
  CHECK_FALSE(frozen.part.defined());
  CHECK(frozen.states.empty());
}

template <class Shard>
void check_flats() {
  for (const int rank : {0, 2}) {
    check_flat<Shard, precision::Fp32>(rank);
    check_flat<Shard, precision::Bf16Mixed>(rank);
    check_flat<Shard, precision::Bf16Split>(rank);
    check_flat<Shard, precision::Bf16Pure>(rank);
  }
}

TEST_CASE("a flat holds what its strategy says, and equal types share memory") {
  check_flats<shard::Replicate>();
  check_flats<shard::Zero1>();
  check_flats<shard::Zero2>();
  check_flats<shard::ShardGradOp>();
  check_flats<shard::Zero3>();
}

// A flat whose gradient is 99 everywhere, with a leaf for the bias and one for the matrix.
struct Held {
  Flat flat = make_flat<shard::Replicate, precision::Bf16Mixed>(small(), 0, cpu, true, 0);

  explicit Held(bool accumulates = false) {
    if (accumulates) flat = make_flat<shard::Replicate, precision::Fp32>(small(), 0, cpu, true, 0);
    flat.grad.fill_(99);
    flat.add_leaf(window(flat.whole, flat.layout.pieces[0].offset, {5}), accumulates);
    flat.add_leaf(window(flat.whole, flat.layout.pieces[1].offset, {3, 5}), accumulates);
  }
  Leaf& bias() { return flat.leaves[0]; }
  Leaf& matrix() { return flat.leaves[1]; }
  // Backward of sum(x * matrix): x is its gradient.
  void backward(const Tensor& x) { (matrix().tensor * x.to(matrix().tensor.scalar_type())).sum().backward(); }
};

Tensor values() {
  return at::arange(15, at::kFloat).view({3, 5});
}

TEST_CASE("a leaf is a window of whole, and its gradient a window of grad") {
  Held held;
  CHECK(lies_at(held.matrix().tensor, held.flat.whole, 0));  // decays, so it comes first
  CHECK(lies_at(held.bias().tensor, held.flat.whole, 64));
  CHECK(lies_at(held.matrix().window, held.flat.grad, 0));
  CHECK(lies_at(held.bias().window, held.flat.grad, 64));
  CHECK(held.matrix().window.sizes() == at::IntArrayRef({3, 5}));
  CHECK(held.matrix().tensor.requires_grad());
  CHECK(held.matrix().gradient.window == &held.matrix().window);
  CHECK(held.matrix().self.data_ptr() == &held.matrix().gradient);
}

TEST_CASE("autograd's gradient is written over what was there, then added; without one it is zero") {
  Held held;
  held.flat.zero_padding();
  held.flat.begin_gradient(true);
  CHECK(held.matrix().window.eq(99).all().item<bool>());  // nothing has cleared what will be written
  CHECK(held.flat.grad.narrow(0, 15, 49).eq(0).all().item<bool>());
  CHECK(held.flat.grad.narrow(0, 69, 123).eq(0).all().item<bool>());
  held.backward(values());
  held.flat.collect_gradient();
  CHECK(held.matrix().window.equal(values()));
  CHECK(held.bias().window.eq(0).all().item<bool>());
  CHECK_FALSE(held.matrix().tensor.grad().defined());

  held.backward(values());  // the next micro-batch
  held.flat.collect_gradient();
  CHECK(held.matrix().window.equal(2 * values()));
  held.flat.begin_gradient(true);  // the next step
  held.backward(values());
  held.flat.collect_gradient();
  CHECK(held.matrix().window.equal(values()));
}

TEST_CASE("what an operation wrote into the window is kept, and autograd's is added") {
  Held held;
  held.flat.begin_gradient(true);
  held.matrix().window.fill_(3);
  held.matrix().gradient.fresh = false;
  held.flat.collect_gradient();
  CHECK(held.matrix().window.eq(3).all().item<bool>());
  held.backward(values());
  held.flat.collect_gradient();
  CHECK(held.matrix().window.equal(values() + 3));
}

TEST_CASE("a torch module's leaf accumulates into its window, also after a zero_grad()") {
  Held held(true);
  for (int i = 1; i <= 3; ++i) {
    held.flat.begin_gradient(/*fresh=*/i == 1);
    if (i == 1) CHECK(held.matrix().window.eq(0).all().item<bool>());
    CHECK(held.matrix().tensor.grad().is_same(held.matrix().window));
    if (i == 2) held.matrix().tensor.mutable_grad().reset();
    held.backward(values());
    held.flat.collect_gradient();
    CHECK(held.matrix().window.equal(i * values()));
    CHECK(held.flat.forget_gradients() == nullptr);
  }
}

TEST_CASE("a gradient that comes after it was collected is named and forgotten") {
  for (const bool accumulates : {false, true}) {
    Held held(accumulates);
    held.flat.begin_gradient(true);
    held.flat.collect_gradient();
    held.backward(values());
    const Name* late = held.flat.forget_gradients();
    REQUIRE(late != nullptr);
    CHECK(late == &held.flat.layout.pieces[1].name);
    CHECK(held.flat.forget_gradients() == nullptr);
    CHECK(held.matrix().window.eq(0).all().item<bool>());
  }
}

TEST_CASE("copy_overlap copies what both cover and nothing else") {
  for (long target_begin = 0; target_begin < 5; ++target_begin)
    for (long target_size = 0; target_size < 5; ++target_size)
      for (long offset = 0; offset < 5; ++offset)
        for (long count = 0; count < 5; ++count) {
          Tensor target = at::full({target_size}, -1.F), due = target.clone();
          for (long i = 0; i < count; ++i)
            for (long t = 0; t < target_size; ++t)
              if (target_begin + t == offset + i) due[t] = static_cast<float>(10 + i);
          copy_overlap(target, target_begin, at::arange(count, at::kFloat).add_(10), offset);
          REQUIRE(target.equal(due));
        }
}

}  // namespace
}  // namespace ashlar
