// The rows of the covering array that train: any two policies of different axes that compose stand together
// in one, and each policy with either model.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/trainer.hpp>

#include "support/pairs.hpp"
#include "support/policies.hpp"

namespace ashlar::test {

// Odd on purpose: no parameter count below is a multiple of 64 and of the world at once, and norms are
// smaller than a rank's share.
using SmallGpt =
    models::Gpt<models::GptShape{.vocabulary = 67, .context = 12, .layers = 3, .heads = 3, .dim = 27}>;
using SmallLlama = models::Llama<models::LlamaShape{
    .vocabulary = 61, .layers = 3, .dim = 36, .heads = 6, .kv_heads = 2, .ffn = 50, .rope_base = 10000}>;

// The axes of the policies, how steps are replayed, and the model.
inline constexpr std::size_t replay_axis = axis_count, model_axis = axis_count + 1;
using RowChoice = Choice<axis_count + 2>;

namespace detail {

template <class Model, std::size_t S, std::size_t P, std::size_t O, std::size_t W, std::size_t C>
inline constexpr bool composes = composable<policy<Model, 0, S>, policy<Model, 1, P>, policy<Model, 2, O>,
                                            policy<Model, 3, W>, policy<Model, 4, C>>;

inline constexpr Choice<axis_count> sizes = []<std::size_t... axis>(std::index_sequence<axis...>) {
  return Choice<axis_count>{{policy_count<SmallGpt, axis>...}};
}(std::make_index_sequence<axis_count>());
inline constexpr std::size_t S = sizes.of[0], P = sizes.of[1], O = sizes.of[2], W = sizes.of[3],
                             C = sizes.of[4];

// In the order of product(sizes).
inline constexpr std::size_t size = S * P * O * W * C;
inline constexpr auto composed = []<std::size_t... i>(std::index_sequence<i...>) {
  return std::array<bool, size>{
      composes<SmallGpt, i / C / W / O / P, i / C / W / O % P, i / C / W % O, i / C % W, i % C>...};
}(std::make_index_sequence<size>());

constexpr std::vector<RowChoice> allowed() {
  const std::vector<Choice<axis_count>> all = product(sizes);
  std::vector<RowChoice> some;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t replay = 0; composed[i] && replay < replay_count; ++replay)
      for (const std::size_t model : {0U, 1U})
        some.push_back(
            {{all[i].of[0], all[i].of[1], all[i].of[2], all[i].of[3], all[i].of[4], replay, model}});
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
