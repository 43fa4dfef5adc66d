// The slow reference: a plain LibTorch training loop on the whole global batch, in one process, with no idea
// of ranks, units or flats. Sharded training is compared with it.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <utility>
#include <vector>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/engine/memory.hpp>
#include <ashlar/model/standalone.hpp>
#include <ashlar/plan/layout.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar::test {

template <class Precision, class Model, class Optimizer>
class Reference {
 public:
  Reference(const Optimizer& optimizer, const Recipe& recipe, c10::Device device, Model model = {})
      : optimizer_(optimizer),
        recipe_(recipe),
        compute_(recipe.seed, at::TensorOptions().device(device).dtype(scalar_type(Precision::compute)),
                 model) {
    const at::NoGradGuard guard;
    const Standalone<Model> start(recipe.seed, at::TensorOptions().device(device).dtype(at::kFloat), model);
    for (const NamedTensor& p : start.parameters()) {
      masters_.push_back(padded(p.tensor, Precision::master));
      masters_.back().narrow(0, 0, p.tensor.numel()).copy_(p.tensor.detach().flatten());
      if (p.trainable)
        compute_.parameters()[masters_.size() - 1].tensor.copy_(rounded(masters_.back(), p.tensor));
      gradients_.push_back(padded(p.tensor, Precision::reduce));
      auto& states = states_.emplace_back();
      for (int k = 0; k < Optimizer::states; ++k) states.push_back(padded(p.tensor, Precision::master));
    }
  }

  // One step on micro-batches: loss_of(standalone, i) is the mean over micro-batch i. Returns the mean loss.
  double step(auto&& loss_of) {
    for (const Tensor& gradient : gradients_) gradient.zero_();
    double total = 0;
    for (int i = 0; i < recipe_.micro_batches; ++i) {
      for (const NamedTensor& p : compute_.parameters()) p.tensor.mutable_grad() = Tensor();
      const Tensor loss = loss_of(compute_, i);
      loss.backward(at::full_like(loss, 1.0 / recipe_.micro_batches));
      for (std::size_t k = 0; k < gradients_.size(); ++k)
        if (const Tensor& g = compute_.parameters()[k].tensor.grad(); g.defined())
          unpadded(gradients_[k], g).add_(g);
      total += loss.item().toDouble() / recipe_.micro_batches;
    }
    const at::NoGradGuard guard;
    const Tensor square = at::zeros({}, gradients_[0].options().dtype(at::kDouble));
    for (std::size_t k = 0; k < gradients_.size(); ++k)
      if (compute_.parameters()[k].trainable) add_squares(square, gradients_[k]);
    norm_ = std::sqrt(square.item().toDouble());
    const float scale = static_cast<float>(recipe_.clip_norm) / (static_cast<float>(norm_) + 1e-6f);
    ++steps_;
    const double rate = optimizer_.learning_rate * recipe_.schedule.factor(steps_ - 1);
    for (std::size_t k = 0; k < gradients_.size(); ++k) {
      const NamedTensor& p = compute_.parameters()[k];
      if (!p.trainable) continue;
      if (scale < 1) gradients_[k].mul_(scale);
      optimizer_.update(masters_[k], gradients_[k], states_[k], rate, p.decays, steps_);
      p.tensor.copy_(rounded(masters_[k], p.tensor));
    }
    return total;
  }

  const Standalone<Model>& model() const { return compute_; }
  const std::vector<NamedTensor>& parameters() const { return compute_.parameters(); }
  // Of parameter k: ND, like it.
  Tensor master(std::size_t k) const { return unpadded(masters_[k], parameters()[k].tensor); }
  std::vector<Tensor> states(std::size_t k) const {
    std::vector<Tensor> all;
    for (const Tensor& state : states_[k]) all.push_back(unpadded(state, parameters()[k].tensor));
    return all;
  }
  double norm() const { return norm_; }

 private:
  static Tensor padded(const Tensor& like, dtype type) {
    return zeros(align(like.numel()), type, like.device());
  }
  // What computes of a master: the nearest; from halfway the even one, or the one away from zero where
  // Precision splits masters.
  static Tensor rounded(const Tensor& master, const Tensor& like) {
    if constexpr (splits_master<Precision>)
      return unpadded((master.view(at::kInt) + 0x8000).bitwise_and(-0x10000).view(at::kFloat), like);
    else
      return unpadded(master, like);
  }
  static Tensor unpadded(const Tensor& flat, const Tensor& like) {
    return flat.narrow(0, 0, like.numel()).view(like.sizes());
  }

  Optimizer optimizer_;
  Recipe recipe_;
  Standalone<Model> compute_;
  std::vector<Tensor> masters_, gradients_;  // 1D, padded; by parameter
  std::vector<std::vector<Tensor>> states_;
  double norm_ = 0;
  long steps_ = 0;
};

}  // namespace ashlar::test
