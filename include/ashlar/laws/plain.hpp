// The plainest policy of each axis: what stands around the one policy that a law is about. The core includes
// no policy of policies/, so they are written out here.
#pragma once

#include <ashlar/trainer.hpp>

namespace ashlar::laws::plain {

struct Shard {
  static constexpr std::string_view name = "plain";
  static constexpr auto parameters = placement::replicated;
  static constexpr auto gradients = placement::replicated;
  static constexpr auto optimizer = placement::replicated;
  static constexpr auto reshard_after = pass::backward;

  static auto reduce(Tensor&, Tensor& grad, has_all_reduce auto& comm) { return comm.all_reduce(grad); }
};

struct Precision {
  static constexpr std::string_view name = "plain";
  static constexpr auto compute = dtype::f32, reduce = dtype::f32, master = dtype::f32;
};

struct Offload {
  static constexpr std::string_view name = "plain";
  static constexpr auto optimizer = memory::device;
};

// Repeated layers are units: several, so that their order and their memory matter.
struct Wrap {
  static constexpr std::string_view name = "plain";

  template <class Model, class T>
  static consteval bool starts_unit() {
    return repeats<Model, T>();
  }
  template <class Model>
  static consteval bool applies() {
    return true;
  }
};

struct Checkpoint {
  static constexpr std::string_view name = "plain";

  template <class Model, class T>
  static consteval bool recomputes() {
    return false;
  }
  template <class Model>
  static consteval bool applies() {
    return true;
  }
};

template <class ShardPolicy, class CheckpointPolicy>
using Strategy = Trainer<ShardPolicy, Precision, Offload, Wrap, CheckpointPolicy>;

}  // namespace ashlar::laws::plain
