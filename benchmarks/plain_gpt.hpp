// The rival of benchmarks/overhead.cpp: GPT-2 and its training loop, written by hand with torch::nn, as a
// careful user of LibTorch writes them. Nothing of Ashlar's is used.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace plain {

namespace nn = torch::nn;
using torch::Tensor;

// torch::nn::Linear's own forward on three dimensions is a product, then an addition: slower than fused.
inline Tensor fused(const nn::Linear& linear, const Tensor& x) {
  return at::linear(x, linear->weight, linear->bias);
}

struct AttentionImpl : nn::Module {
  AttentionImpl(long dim, long count) : heads(count), query_key_value(dim, 3 * dim), project(dim, dim) {
    register_module("query_key_value", query_key_value);
    register_module("project", project);
  }

  Tensor forward(const Tensor& x) {  // (B, T, dim) -> same
    std::vector<Tensor> parts = fused(query_key_value, x).chunk(3, -1);
    for (Tensor& part : parts) part = part.unflatten(-1, {heads, -1}).transpose(1, 2);
    const Tensor mixed = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], {}, 0.0, true);
    return fused(project, mixed.transpose(1, 2).flatten(-2));
  }

  long heads;
  nn::Linear query_key_value, project;
};
TORCH_MODULE(Attention);

struct MlpImpl : nn::Module {
  explicit MlpImpl(long dim) : up(dim, 4 * dim), down(4 * dim, dim) {
    register_module("up", up);
    register_module("down", down);
  }

  Tensor forward(const Tensor& x) { return fused(down, at::gelu(fused(up, x), "tanh")); }

  nn::Linear up, down;
};
TORCH_MODULE(Mlp);

struct BlockImpl : nn::Module {
  BlockImpl(long dim, long heads)
      : attention_norm(nn::LayerNormOptions({dim})),
        mlp_norm(nn::LayerNormOptions({dim})),
        attention(dim, heads),
        mlp(dim) {
    register_module("attention_norm", attention_norm);
    register_module("attention", attention);
    register_module("mlp_norm", mlp_norm);
    register_module("mlp", mlp);
  }

  Tensor forward(const Tensor& x) {
    const Tensor h = x + attention(attention_norm(x));
    return h + mlp(mlp_norm(h));
  }

  nn::LayerNorm attention_norm, mlp_norm;
  Attention attention;
  Mlp mlp;
};
TORCH_MODULE(Block);

struct GptImpl : nn::Module {
  GptImpl(long vocabulary, long context, long layers, long heads, long dim)
      : tokens(vocabulary, dim), positions(context, dim), norm(nn::LayerNormOptions({dim})) {
    register_module("tokens", tokens);
    register_module("positions", positions);
    for (long i = 0; i < layers; ++i) blocks->push_back(Block(dim, heads));
    register_module("blocks", blocks);
    register_module("norm", norm);
  }

  Tensor forward(const Tensor& ids) {  // (B, T), int64 -> (B, T, vocabulary)
    Tensor x = tokens(ids) + positions(torch::arange(ids.size(1), torch::kLong));
    for (const auto& block : *blocks) x = block->as<Block>()->forward(x);
    return at::linear(norm(x), tokens->weight);
  }

  nn::Embedding tokens, positions;
  nn::ModuleList blocks;
  nn::LayerNorm norm;
};
TORCH_MODULE(Gpt);

// AdamW by LibTorch's fused kernel, as torch.optim.AdamW(fused=True) in Python; the C++ frontend's own
// torch::optim::AdamW makes several passes over all parameters. Matrices decay, norms and biases do not.
class Loop {
 public:
  Loop(Gpt model, double learning_rate, double weight_decay)
      : model_(std::move(model)), learning_rate_(learning_rate), weight_decay_(weight_decay) {
    for (const Tensor& p : model_->parameters()) {
      Group& group = groups_[p.dim() < 2];
      group.parameters.push_back(p);
      group.first.push_back(torch::zeros_like(p));
      group.second.push_back(torch::zeros_like(p));
      group.steps.push_back(torch::zeros({}));
    }
  }

  // (B, T), int64, both. Returns the loss and the norm of the gradient, which every training prints.
  std::pair<double, double> step(const Tensor& ids, const Tensor& targets) {
    model_->zero_grad();
    const Tensor loss = torch::cross_entropy_loss(model_(ids).flatten(0, 1), targets.flatten());
    loss.backward();
    double square = 0;
    const torch::NoGradGuard guard;
    for (Group& group : groups_) {
      std::vector<Tensor> gradients;
      for (const Tensor& p : group.parameters) gradients.push_back(p.grad());
      for (const Tensor& norm : at::_foreach_norm(gradients)) square += std::pow(norm.item<double>(), 2);
      for (const Tensor& step : group.steps) step.add_(1);
      at::_fused_adamw_(group.parameters, gradients, group.first, group.second, {}, group.steps,
                        learning_rate_, 0.9, 0.999, &group == &groups_[0] ? weight_decay_ : 0.0, 1e-8, false,
                        false);
    }
    return {loss.item<double>(), std::sqrt(square)};
  }

 private:
  struct Group {
    std::vector<Tensor> parameters, first, second, steps;
  };

  Gpt model_;
  double learning_rate_, weight_decay_;
  Group groups_[2];  // that decay, that do not
};

}  // namespace plain
