#include <ATen/ATen.h>

#include <ashlar/kernels/adamw.hpp>
#include <ashlar/kernels/cuda_tensor.hpp>
#include <ashlar/kernels/judge.hpp>
#include <ashlar/kernels/optim.hpp>
#include <ashlar/kernels/squared_norm.hpp>

namespace ashlar::cuda {

void add_squares(const Tensor& sum, const Tensor& flat) {
  const Tensor partial = at::empty({square_parts}, sum.options());
  add_squares(flat.const_data_ptr(), partial.data_ptr<double>(), sum.data_ptr<double>(), flat.numel(),
              type_of(flat), stream_of(flat));
}

void judge(const Tensor& told, int square, const Tensor& now, double clip_norm, int ranks) {
  const double* sums = told.const_data_ptr<double>();
  judge(sums, sums + square, now.data_ptr<float>() + 1, clip_norm, ranks, stream_of(told));
}

void adamw(const optim::AdamW& settings, const Tensor& master, const Tensor& grad,
           std::span<const Tensor> states, const Tensor& compute, const Tensor& now, bool decays) {
  const auto& [rate, beta1, beta2, epsilon, weight_decay] = settings;
  const float* values = now.const_data_ptr<float>();
  const bool splits = master.scalar_type() == at::kShort;
  adamw(splits ? nullptr : master.data_ptr<float>(), splits ? master.data_ptr<std::int16_t>() : nullptr,
        grad.const_data_ptr(), type_of(grad), states[0].data_ptr<float>(), states[1].data_ptr<float>(),
        compute.defined() ? compute.data_ptr() : nullptr, master.numel(),
        {.rate = values, .factor = values + 1, .step = values + 2},
        {.beta1 = beta1, .beta2 = beta2, .epsilon = epsilon, .weight_decay = decays ? weight_decay : 0},
        stream_of(master));
}

}  // namespace ashlar::cuda
