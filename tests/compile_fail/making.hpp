// What a trainer is made of and with, for cases about make().
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

template <class, class Model, class Comm, class Optimizer>
class ashlar::Training {  // stands for ashlar/training.hpp, which includes LibTorch
 public:
  Training(Model, Comm&, Optimizer, Recipe) {}
  Report step(const Tensor&, const Tensor&) { return {}; }
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
