// Replaying: a step on a batch, launched kernel by kernel at first and then replayed as a CUDA graph.
#pragma once

#include <ATen/ops/empty_like.h>

#include <utility>

#include <ashlar/engine/random_state.hpp>
#include <ashlar/kernels/step_graph.hpp>

namespace ashlar {

// Captures a step when two before it were on batches of the same shapes, and again when two in turn were on
// others. A step that draws random numbers is never captured: what is recomputed would draw others.
class Replaying {
 public:
  explicit Replaying(c10::Device device) : device_(device), graph_(device) {}

  // What work(inputs, targets) returns, which launches a step. A replay writes it where the last one did.
  // `anew`: it is captured again for this step.
  template <class Work>
  Tensor step(const Tensor& inputs, const Tensor& targets, bool anew, Work&& work) {
    const cuda::StepGraph::OnStream on_stream(graph_);
    replayed_ = false;
    const bool known = inputs_.defined() && alike(inputs, inputs_) && alike(targets, targets_);
    if (known) {
      inputs_.copy_(inputs);
      targets_.copy_(targets);
    } else if (draws_ || !seen_before(inputs, targets)) {
      RandomState before = RandomState::now(device_);
      const Tensor told = work(inputs, targets);
      draws_ = draws_ || !(RandomState::now(device_) == before);
      return told;
    } else {
      inputs_ = inputs.clone();
      targets_ = targets.clone();
      like_inputs_ = like_targets_ = Tensor();
    }
    if (!known || anew || graph_.empty()) graph_.capture([&] { told_ = work(inputs_, targets_); });
    graph_.replay();
    replayed_ = true;
    return told_;
  }

  // Whether the last step was.
  bool replayed() const { return replayed_; }

  // The next step is captured again. Its work must be done.
  void drop() { graph_.drop(); }

 private:
  static bool alike(const Tensor& a, const Tensor& b) {
    return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type();
  }

  // Whether the last two steps that were launched were on such batches.
  bool seen_before(const Tensor& inputs, const Tensor& targets) {
    const bool same = like_inputs_.defined() && alike(inputs, like_inputs_) && alike(targets, like_targets_);
    times_ = same ? times_ + 1 : 0;
    like_inputs_ = at::empty_like(inputs, at::TensorOptions().device(at::kMeta));
    like_targets_ = at::empty_like(targets, at::TensorOptions().device(at::kMeta));
    return times_ >= 2;
  }

  c10::Device device_;
  cuda::StepGraph graph_;
  Tensor inputs_, targets_, told_;     // of the graph
  Tensor like_inputs_, like_targets_;  // of the last step that was launched, without values
  int times_ = 0;
  bool draws_ = false, replayed_ = false;
};

// Where nothing is captured.
struct NotReplaying {
  explicit NotReplaying(c10::Device) {}
  bool replayed() const { return false; }
  void drop() {}
};

}  // namespace ashlar
