// Adoption: an ordinary LibTorch program, sharded with ZeRO-3, its layers untouched. What differs from
// 07_torch_module_before.cpp is marked; in one process both print the same losses.
//
//   run:  mpirun -np 2 .build/release/examples/07_torch_module
//   see:  the same network learn the same thing, from twice the images, each rank keeping half of it
// processes: 1 2
#include <torch/torch.h>

#include <ashlar/ashlar.hpp>    // changed
#include <ashlar/comm/mpi.hpp>  // changed
#include <ashlar/policies.hpp>  // changed

#include <cstdio>
#include <utility>

namespace F = torch::nn::functional;
using namespace ashlar;  // changed

struct NetImpl : torch::nn::Module {
  NetImpl() {
    register_module("first", first);
    register_module("norm", norm);
    register_module("second", second);
    register_module("last", last);
  }

  Tensor forward(Tensor x) {  // (B, 1, 16, 16) -> (B, 4)
    x = F::max_pool2d(norm(first(x)).relu(), F::MaxPool2dFuncOptions(2));
    x = F::max_pool2d(second(x).relu(), F::MaxPool2dFuncOptions(2));
    return last(x.flatten(1));
  }

  torch::nn::Conv2d first{torch::nn::Conv2dOptions(1, 8, 3).padding(1)};
  torch::nn::BatchNorm2d norm{8};
  torch::nn::Conv2d second{torch::nn::Conv2dOptions(8, 16, 3).padding(1)};
  torch::nn::Linear last{16 * 4 * 4, 4};
};
TORCH_MODULE(Net);

// 32 noisy images with a bright spot, and the quadrants that the spots are in. The same for the same `index`.
std::pair<Tensor, Tensor> sample(long index) {
  const Tensor images = (torch::arange(32 * 256) * 13 + index * 101).sin().view({32, 1, 16, 16});
  const Tensor labels = (torch::arange(32) * 7 + index) % 4;
  for (long i = 0; i < 32; ++i) {
    const long row = (i * 5 + index) % 6 + 8 * (labels[i].item<long>() / 2);
    const long column = (i * 3 + index) % 6 + 8 * (labels[i].item<long>() % 2);
    images[i][0].narrow(0, row, 3).narrow(1, column, 3) += 2;
  }
  return {images, labels};
}

int main() {
  torch::manual_seed(1);
  Net net;
  using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;        // changed
  comm::Mpi world;                                                                                 // changed
  auto trainer = Strategy::make(net, world, optim::Sgd{.learning_rate = 0.002, .momentum = 0.9});  // changed
  for (long step = 1; step <= 60; ++step) {
    const auto [images, labels] = sample(step * world.size() + world.rank());                      // changed
    const double loss = trainer.step([&] { return F::cross_entropy(net(images), labels); }).loss;  // changed
    if (step % 10 == 0) std::printf("step %2ld  loss %.9g\n", step, loss);
  }

  const auto [images, labels] = sample(1000);
  const Tensor answers = trainer.predict(images).argmax(1);  // changed
  const long right = (answers == labels).sum().item<long>();
  std::printf("%ld of 32 right\n", right);
  return right >= 28 ? 0 : 1;
}
