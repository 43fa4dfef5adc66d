// The rows of the covering array that train: any two policies of different axes that compose stand together
// in one, and each policy with either model.
#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/trainer.hpp>

#include "support/pairs.hpp"
#include "support/policies.hpp"

namespace ashlar::test {

// Odd on purpose: no parameter count below is a multiple of 64 and of the world at once, and norms are
// smaller than a rank's share.
inline constexpr models::GptShape small_gpt{
    .vocabulary = 67, .context = 12, .layers = 3, .heads = 3, .dim = 27};
inline constexpr models::LlamaShape small_llama{
    .vocabulary = 61, .layers = 3, .dim = 36, .heads = 6, .kv_heads = 2, .ffn = 50, .rope_base = 10000};
using SmallGpt = models::Gpt<small_gpt>;
using SmallLlama = models::Llama<small_llama>;

// The axes of the policies, how steps are replayed, and the model.
inline constexpr std::size_t replay_axis = axis_count, model_axis = axis_count + 1;
using RowChoice = Choice<axis_count + 2>;

namespace detail {

inline constexpr auto composed = for_all<SmallGpt>(
    []<class S, class P, class O, class W, class C>() { return composable<S, P, O, W, C>; });

constexpr std::vector<RowChoice> allowed() {
  std::vector<RowChoice> some;
  for (std::size_t i = 0; i < composed.size(); ++i)
    for (std::size_t replay = 0; composed[i] && replay < replay_count; ++replay)
      for (const std::size_t model : {0U, 1U}) {
        const auto [shard, precision, offload, wrap, checkpoint] = indices<SmallGpt>(i);
        some.push_back({{shard, precision, offload, wrap, checkpoint, replay, model}});
      }
  return some;
}

struct Rows {
  RowChoice rows[256] = {};
  std::size_t count = 0;
};
inline constexpr Rows found = [] {
  Rows all;
  for (const RowChoice& row : pairwise(allowed())) all.rows[all.count++] = row;
  return all;
}();

template <class Model, RowChoice row>
using Strategy =
    Trainer<policy<Model, 0, row.of[0]>, policy<Model, 1, row.of[1]>, policy<Model, 2, row.of[2]>,
            policy<Model, 3, row.of[3]>, policy<Model, 4, row.of[4]>, replay_at<row.of[5]>>;

}  // namespace detail

inline constexpr std::size_t row_count = detail::found.count;

// The model and the strategy of row i.
template <std::size_t i>
using RowModel = std::conditional_t<detail::found.rows[i].of[model_axis] == 0, SmallGpt, SmallLlama>;
template <std::size_t i>
using RowStrategy = detail::Strategy<RowModel<i>, detail::found.rows[i]>;

}  // namespace ashlar::test
