#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <ashlar/kernels/cuda_tensor.hpp>
#include <ashlar/kernels/embedding.hpp>
#include <ashlar/kernels/ops.hpp>
#include <ashlar/nn/weight_gradient.hpp>

namespace ashlar::cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// at::embedding, but the weight's gradient is written into its window while that is writable,
// as nn::weight_gradient does: nothing else of the weight's size is made.
struct EmbeddingInto : torch::autograd::Function<EmbeddingInto> {
  static Tensor forward(AutogradContext* ctx, const Tensor& weight, const Tensor& gradient,
                        const Tensor& ids) {
    ctx->save_for_backward({gradient, ids});
    ctx->saved_data["words"] = weight.size(0);
    return at::embedding(weight, ids);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& outer) {
    if (!ctx->needs_input_grad(0)) return variable_list(3);
    const variable_list saved = ctx->get_saved_variables();
    nn::Gradient* gradient = nn::writable(saved[0]);
    const Tensor& ids = saved[1];
    const long words = ctx->saved_data["words"].toInt();
    if (gradient == nullptr) {
      const Tensor dense = at::embedding_dense_backward(outer[0], ids, words, /*padding_idx=*/-1,
                                                        /*scale_grad_by_freq=*/false);
      return {dense, Tensor(), Tensor()};
    }
    const Tensor due = outer[0].contiguous(), &window = *gradient->window;
    const auto [sorted, order] = at::sort(ids.flatten(), /*stable=*/true, /*dim=*/0, /*descending=*/false);
    window.zero_();
    embedding_backward(sorted.const_data_ptr<std::int64_t>(), order.const_data_ptr<std::int64_t>(),
                       due.const_data_ptr(), window.data_ptr(), ids.numel(), words, window.size(1),
                       type_of(due), type_of(window), stream_of(due));
    gradient->fresh = false;
    return {Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor embedding(const Tensor& ids, const Tensor& weight, const nn::Gradient& gradient) {
  return EmbeddingInto::apply(weight, *gradient.self, ids);
}

}  // namespace ashlar::cuda
