// Symbol: a tensor without values, which has a shape, a type, a storage and a place in autograd's graph.
//
// Its operations allocate, save for backward and compute as LibTorch's kernels for the CPU do; each says so
// beside the operation that it stands for. A copy of a Symbol shares its storage, and the last one frees it,
// as with tensors.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <ashlar/error.hpp>
#include <ashlar/symbolic/tape.hpp>

namespace ashlar {

enum class Values { compute, f32, i64 };  // compute: the Precision policy's type

using Shape = Few<long, 6>;

class Symbol {
 public:
  // A new tensor of `shape`, of which `node` is the source.
  constexpr Symbol(Tape& tape, Shape shape, Values values, int node = -1)
      : tape_(&tape), shape_(shape), values_(values), node_(node), storage_(tape.allocate(bytes())) {}

  constexpr Symbol(const Symbol& other)
      : tape_(other.tape_),
        shape_(other.shape_),
        values_(other.values_),
        node_(other.node_),
        output_(other.output_),
        storage_(other.storage_) {
    tape_->hold(storage_);
  }
  constexpr Symbol(Symbol&& other) noexcept
      : tape_(other.tape_),
        shape_(other.shape_),
        values_(other.values_),
        node_(other.node_),
        output_(other.output_),
        storage_(std::exchange(other.storage_, -1)) {}
  constexpr Symbol& operator=(Symbol other) noexcept {
    tape_ = other.tape_;
    shape_ = other.shape_;
    values_ = other.values_;
    node_ = other.node_;
    output_ = other.output_;
    std::swap(storage_, other.storage_);
    return *this;
  }
  constexpr ~Symbol() {
    if (storage_ >= 0) tape_->release(storage_);
  }

  // A tensor in a storage that is there already.
  static constexpr Symbol in(int storage, Tape& tape, Shape shape, Values values) {
    tape.hold(storage);
    return Symbol(tape, shape, values, -1, storage);
  }

  // The same storage, seen with another shape or from another node, of whose outputs it is number `output`.
  constexpr Symbol view(Shape shape) const {
    Symbol other = *this;
    other.shape_ = shape;
    return other;
  }
  constexpr Symbol from(int node, int output = 0) const {
    Symbol other = *this;
    other.node_ = node;
    other.output_ = output;
    return other;
  }

  constexpr Tape& tape() const { return *tape_; }
  constexpr const Shape& shape() const { return shape_; }
  constexpr long size(int dimension) const {
    return shape_[dimension < 0 ? shape_.size() - static_cast<std::size_t>(-dimension)
                                : static_cast<std::size_t>(dimension)];
  }
  constexpr long numel() const {
    long product = 1;
    for (const long size : shape_) product *= size;
    return product;
  }
  constexpr Values values() const { return values_; }
  constexpr long width() const {  // bytes an element
    return values_ == Values::i64 ? 8 : values_ == Values::f32 ? 4 : ashlar::bytes(tape_->compute);
  }
  constexpr long bytes() const { return numel() * width(); }
  constexpr int storage() const { return storage_; }
  constexpr int node() const { return node_; }  // -1: no gradient flows to it
  constexpr Tape::Output source() const { return {node_, storage_, output_}; }

  // What a node's backward makes for this tensor, or hands on to it.
  constexpr Tape::Input gradient() const { return {node_, bytes(), output_}; }
  constexpr Tape::Input same_gradient() const { return {node_, Tape::Input::handed_on, output_}; }

 private:
  constexpr Symbol(Tape& tape, Shape shape, Values values, int node, int storage)
      : tape_(&tape), shape_(shape), values_(values), node_(node), storage_(storage) {}

  Tape* tape_;
  Shape shape_;
  Values values_;
  int node_;
  int output_ = 0;
  int storage_;
};

namespace symbolic {

// A new tensor like x, of an operation whose backward is as `node` says.
constexpr Symbol like(const Symbol& x, const Tape::Node& node) {
  return Symbol(x.tape(), x.shape(), x.values(), x.tape().note(node));
}

// A new tensor, which a recomputed layer's first forward sets aside and its second takes back.
constexpr Symbol once(Tape& tape, Shape shape, Values values) {
  Tape::Recomputation& layer = tape.recomputation;
  if (layer.retakes()) return Symbol::in(layer.kept[layer.taken++], tape, shape, values);
  const Symbol made(tape, shape, values);
  if (layer.forward == Tape::Forward::first) {
    tape.hold(made.storage());
    layer.kept.push_back(made.storage());
  }
  return made;
}

// x in another type; x itself where it has that type already.
constexpr Symbol to(const Symbol& x, Values values) {
  if (x.values() == values || (x.width() == 4 && values == Values::f32) ||
      (values == Values::compute && x.width() == bytes(x.tape().compute)))
    return x;
  return Symbol(x.tape(), x.shape(), values, x.tape().note({.inputs = {x.gradient()}}));
}

// x in equal parts along the last dimension: views, whose gradients are put together.
constexpr std::vector<Symbol> chunk(const Symbol& x, long count) {
  const int join = x.tape().note({.inputs = {x.gradient()}, .joins = true});
  Shape shape = x.shape();
  shape.back() /= count;
  return std::vector<Symbol>(static_cast<std::size_t>(count), x.view(shape).from(join));
}

// Two halves side by side along the last dimension: their gradients are views of one.
constexpr Symbol cat(const Symbol& a, const Symbol& b) {
  Shape shape = a.shape();
  shape.back() *= 2;
  return Symbol(a.tape(), shape, a.values(),
                a.tape().note({.inputs = {a.same_gradient(), b.same_gradient()}}));
}

}  // namespace symbolic

namespace symbolic {

// What is added meets in each dimension that both have: equal sizes, or 1 in one of the two.
constexpr void check_sizes(const Symbol& a, const Symbol& b) {
  for (int d = 1; d <= static_cast<int>(std::min(a.shape().size(), b.shape().size())); ++d)
    if (a.size(-d) != b.size(-d) && a.size(-d) != 1 && b.size(-d) != 1)
      throw Error("nn.6", "two tensors of equal sizes",
                  std::to_string(a.size(-d)) + " and " + std::to_string(b.size(-d)),
                  "make layers whose results are added equally wide");
}

}  // namespace symbolic

// b may lack leading dimensions of a: then its gradient is a sum.
constexpr Symbol operator+(const Symbol& a, const Symbol& b) {
  symbolic::check_sizes(a, b);
  const bool wide = a.numel() >= b.numel();
  return symbolic::like(wide ? a : b, {.inputs = {a.numel() < b.numel() ? a.gradient() : a.same_gradient(),
                                                  b.numel() < a.numel() ? b.gradient() : b.same_gradient()},
                                       .sums = true});
}

constexpr Symbol operator-(const Symbol& a, const Symbol& b) {
  symbolic::check_sizes(a, b);
  return symbolic::like(a, {.inputs = {a.same_gradient(), b.gradient()}, .sums = true});
}

constexpr Symbol operator*(double, const Symbol& x) {
  return symbolic::like(x, {.inputs = {x.gradient()}});
}

}  // namespace ashlar
