// The operations that layers are made of. This header knows the tensor by name only, so layers compile
// without LibTorch; whoever runs a layer has LibTorch's headers anyway.
//
// All of them are differentiable and work on any device. x is in the type of the activations; statistics,
// angles and losses are computed in float32 whatever that type is. Letters: B batch, T tokens, C width, H
// heads, D head width.
#pragma once

#include <array>

#include <ashlar/nn/parameter.hpp>
#include <ashlar/symbolic/ops.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar::ops {

// The weight's gradient is computed straight into weight.gradient, where there is one.
Tensor linear(const Tensor& x,                  // (..., in)
              const nn::AnyParameter& weight);  // (out, in)  -> (..., out)

Tensor linear(const Tensor& x,                 // (..., in)
              const nn::AnyParameter& weight,  // (out, in)
              const nn::AnyParameter& bias);   // (out)      -> (..., out)

Tensor embedding(const Tensor& ids,                // (...), whole numbers in [0, count)
                 const nn::AnyParameter& weight);  // (count, C)  -> (..., C)

// The positions 0 to T-1 of ids, for a learned position embedding. Throws when T is more than `context`.
Tensor positions(const Tensor& ids,  // (B, T)  -> (T), int64
                 long context);

// (x - mean) / sqrt(variance + epsilon) * weight + bias over the last dimension. Ba et al. 2016,
// arXiv:1607.06450.
Tensor layer_norm(const Tensor& x,                 // (..., C)  -> same
                  const nn::AnyParameter& weight,  // (C)
                  const nn::AnyParameter& bias,    // (C)
                  double epsilon);

// x / sqrt(mean(x^2) + epsilon) * weight over the last dimension. Zhang and Sennrich 2019, arXiv:1910.07467.
Tensor rms_norm(const Tensor& x,                 // (..., C)  -> same
                const nn::AnyParameter& weight,  // (C)
                double epsilon);

// A residual addition and the norm after it: {x + delta, layer_norm or rms_norm of that}. On a GPU one kernel
// does both, and in backward adds up the gradients of both.
std::array<Tensor, 2> add_layer_norm(const Tensor& x,                 // (..., C)  -> two of them
                                     const Tensor& delta,             // same
                                     const nn::AnyParameter& weight,  // (C)
                                     const nn::AnyParameter& bias,    // (C)
                                     double epsilon);
std::array<Tensor, 2> add_rms_norm(const Tensor& x,                 // (..., C)  -> two of them
                                   const Tensor& delta,             // same
                                   const nn::AnyParameter& weight,  // (C)
                                   double epsilon);

// GPT-2's form: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). Hendrycks and Gimpel 2016, arXiv:1606.08415.
Tensor gelu(const Tensor& x);

// The gate of SwiGLU: gate * sigmoid(gate) * up. Shazeer 2020, arXiv:2002.05202.
Tensor silu_mul(const Tensor& gate,  // (..., C)  -> same
                const Tensor& up);   // (..., C)

// linear(silu_mul(gate, up), weight). On a GPU backward makes the product again from gate and up, which it
// reads anyway, so that forward keeps a tensor of (..., in) less.
Tensor gated_linear(const Tensor& gate,               // (..., in)
                    const Tensor& up,                 // (..., in)
                    const nn::AnyParameter& weight);  // (out, in)  -> (..., out)

// Rotary position embedding: at position t, dimensions i and i + D/2 of each head turn together by the angle
// t * base^(-2i/D), which is the pairing of Llama's published safetensors. Su et al. 2021, arXiv:2104.09864.
Tensor rope(const Tensor& x,  // (B, T, H*D), D even  -> same
            long heads, double base);

// softmax(Q K^T / sqrt(D)) V, where token t sees tokens 0 to t only. Each of the kv_heads serves heads /
// kv_heads neighbouring query heads. Vaswani et al. 2017, arXiv:1706.03762; Ainslie et al. 2023,
// arXiv:2305.13245.
Tensor causal_attention(const Tensor& query,  // (B, T, heads*D)  -> same
                        const Tensor& key,    // (B, T, kv_heads*D)
                        const Tensor& value,  // (B, T, kv_heads*D)
                        long heads, long kv_heads);

// The same with the three side by side, as one projection makes them.
Tensor causal_attention(const Tensor& query_key_value,  // (B, T, 3*heads*D)  -> (B, T, heads*D)
                        long heads);

// Mean over all tokens of -log softmax(logits)[target], in nats. Every target counts: no value means
// "ignore".
Tensor cross_entropy(const Tensor& logits,    // (B, T, V)
                     const Tensor& targets);  // (B, T), whole numbers in [0, V)  -> scalar, float32

// The same of linear(x, weight), which is all that the logits are for: on a GPU they stay in x's type, their
// gradient takes their place, and a target that is out of range makes the loss NaN.
Tensor linear_cross_entropy(const Tensor& x,                 // (B, T, C)
                            const nn::AnyParameter& weight,  // (V, C)
                            const Tensor& targets);          // (B, T), the same  -> scalar, float32

}  // namespace ashlar::ops
