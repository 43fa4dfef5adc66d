// Recomputation: what operations do otherwise in a layer whose forward runs twice.
//
// Its first forward sets aside what is dear to make and small to keep, the results of attention, and its
// second takes them back. The second leaves out the products at its end that no backward reads.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <ashlar/tensor.hpp>

namespace ashlar {

// One of the two forwards, on this thread, while it exists.
class Recomputation {
 public:
  static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

  // The first.
  Recomputation() = default;

  // The second. What the first has `kept` it takes back. So many `products` it makes, and instead of each
  // later one zeros.
  Recomputation(std::vector<Tensor> kept, std::size_t products)
      : kept_(std::move(kept)), products_(products), second_(true) {}

  ~Recomputation() { now_ = outer_; }
  Recomputation(const Recomputation&) = delete;
  Recomputation& operator=(const Recomputation&) = delete;

  const std::vector<Tensor>& kept() const { return kept_; }

  // How many products the backward of the second's `outputs` may read. Autograd saves in nodes, which are
  // numbered as they are made: a product is not read if the later ones only add and subtract.
  std::size_t read_by(const std::vector<Tensor>& outputs) const;

  // While there is one, operations do as ever: in a unit inside the layer, which has a graph of its own.
  class Pause {
   public:
    Pause() = default;
    ~Pause() { now_ = paused_; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Recomputation* paused_ = std::exchange(now_, nullptr);
  };

  // What attention makes: its output, and what else its backward reads, of which some may be undefined.
  using Results = std::array<Tensor, 4>;

  // Those of make(), or in a second forward of the first.
  static Results once(auto&& make) {
    if (now_ == nullptr) return make();
    if (now_->second_ && now_->taken_ < now_->kept_.size()) return now_->take();
    const Results made = make();
    if (!now_->second_) now_->kept_.insert(now_->kept_.end(), made.begin(), made.end());
    return made;
  }

  // make(), the product of x and weight, or zeros where that is left out.
  static Tensor product(const Tensor& x,       // (..., in)
                        const Tensor& weight,  // (out, in)
                        auto&& make) {         // -> (..., out)
    return leaves_out() ? zeros(x, weight) : make();
  }

 private:
  static bool leaves_out();
  static Tensor zeros(const Tensor& x, const Tensor& weight);
  Results take();

  static thread_local Recomputation* now_;

  Recomputation* outer_ = std::exchange(now_, this);
  std::vector<Tensor> kept_;
  std::size_t taken_ = 0;
  std::vector<std::uint64_t> begun_;  // by product: the number of the node that follows its own
  std::size_t products_ = all;
  bool second_ = false;
};

}  // namespace ashlar
