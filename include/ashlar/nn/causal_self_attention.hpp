// CausalSelfAttention: GPT-2's attention, with queries, keys and values from one projection.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/multiple_of.hpp>

namespace ashlar::nn {

template <long dim, long heads>
struct CausalSelfAttention {
  static_assert(explain_heads<dim, heads>());
  using QueryKeyValue = Linear<dim, 3 * dim>;
  using Project = Linear<dim, dim>;
  BOOST_HANA_DEFINE_STRUCT(CausalSelfAttention, (QueryKeyValue, query_key_value), (Project, project));

  constexpr CausalSelfAttention() = default;
  constexpr CausalSelfAttention(Init inner, Init residual) : query_key_value(inner), project(residual) {}

  constexpr auto forward(auto& run, const auto& x) const {  // (B, T, dim) -> same
    return run(project, ops::causal_attention(run(query_key_value, x), heads));
  }
};

}  // namespace ashlar::nn
