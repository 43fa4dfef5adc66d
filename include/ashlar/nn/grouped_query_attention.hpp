// GroupedQueryAttention: Llama's attention, with rotary positions, no biases, and fewer keys and values than
// queries.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/multiple_of.hpp>

namespace ashlar::nn {

template <long dim, long heads, long kv_heads>
struct GroupedQueryAttention {
  static_assert(explain_heads<dim, heads, kv_heads>());
  static constexpr long kv_dim = heads > 0 ? dim / heads* kv_heads : dim;
  using Query = Linear<dim, dim, false>;
  using KeyValue = Linear<dim, kv_dim, false>;
  BOOST_HANA_DEFINE_STRUCT(GroupedQueryAttention, (Query, query), (KeyValue, key), (KeyValue, value),
                           (Query, project));

  double rope_base = 10000;

  constexpr GroupedQueryAttention() = default;
  constexpr GroupedQueryAttention(Init inner, Init residual, double base)
      : query(inner), key(inner), value(inner), project(residual), rope_base(base) {}

  constexpr auto forward(auto& run, const auto& x) const {            // (B, T, dim) -> same
    const auto queries = ops::rope(run(query, x), heads, rope_base);  // (B, T, dim)
    const auto keys = ops::rope(run(key, x), kv_heads, rope_base);    // (B, T, kv_dim)
    const auto values = run(value, x);                                // (B, T, kv_dim)
    return run(project, ops::causal_attention(queries, keys, values, heads, kv_heads));
  }
};

}  // namespace ashlar::nn
