// The policies of each axis, as lists that the tests make their combinations from. A new policy is one more
// entry here.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <boost/hana/at.hpp>
#include <boost/hana/length.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <ashlar/concepts/composable.hpp>
#include <ashlar/policies.hpp>

namespace ashlar::test {

// Those that name modules name a model's; by size 6,000 bytes are what attention and feed-forward of a small
// model have, and norms have not.
template <class Model>
constexpr auto axes = boost::hana::make_tuple(
    boost::hana::tuple_t<shard::Replicate, shard::Zero1, shard::Zero2, shard::ShardGradOp, shard::Zero3>,
    boost::hana::tuple_t<precision::Fp32, precision::Bf16Mixed, precision::Bf16Split, precision::Bf16Pure>,
    boost::hana::tuple_t<offload::None, offload::OptimizerToHost>,
    boost::hana::tuple_t<wrap::WholeModel, wrap::Each<typename Model::Block>, wrap::BySize<6000>>,
    boost::hana::tuple_t<checkpoint::None, checkpoint::Recompute,
                         checkpoint::RecomputeEach<typename Model::Block::Attention>>);

// How steps are replayed goes with all of them.
inline constexpr auto replays = boost::hana::tuple_t<replay::Graph, replay::None>;
inline constexpr std::size_t replay_count = decltype(boost::hana::length(replays))::value;

inline constexpr std::size_t axis_count = 5;

// The policy of `axis` with this index.
template <class Model, std::size_t axis, std::size_t index>
using policy = typename decltype(+boost::hana::at_c<index>(boost::hana::at_c<axis>(axes<Model>)))::type;

template <class Model, std::size_t axis>
inline constexpr std::size_t policy_count =
    decltype(boost::hana::length(boost::hana::at_c<axis>(axes<Model>)))::value;

// The combinations of these five, by number; the last axis counts first.
template <class Model>
inline constexpr auto sizes = []<std::size_t... axis>(std::index_sequence<axis...>) {
  return std::array{policy_count<Model, axis>...};
}(std::make_index_sequence<axis_count>());

template <class Model>
inline constexpr std::size_t combinations =
    sizes<Model>[0] * sizes<Model>[1] * sizes<Model>[2] * sizes<Model>[3] * sizes<Model>[4];

// By axis, the index of the policy that combination i has.
template <class Model>
constexpr std::array<std::size_t, axis_count> indices(std::size_t i) {
  std::array<std::size_t, axis_count> found{};
  for (std::size_t axis = axis_count; axis-- > 0; i /= sizes<Model>[axis])
    found[axis] = i % sizes<Model>[axis];
  return found;
}

// For each combination whether test.operator()<Shard, Precision, Offload, Wrap, Checkpoint>() holds.
template <class Model>
consteval auto for_all(auto test) {
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<bool, sizeof...(i)>{
        test.template
        operator()<policy<Model, 0, indices<Model>(i)[0]>, policy<Model, 1, indices<Model>(i)[1]>,
                   policy<Model, 2, indices<Model>(i)[2]>, policy<Model, 3, indices<Model>(i)[3]>,
                   policy<Model, 4, indices<Model>(i)[4]>>()...};
  }(std::make_index_sequence<combinations<Model>>());
}

template <std::size_t index>
using replay_at = typename decltype(+boost::hana::at_c<index>(replays))::type;

}  // namespace ashlar::test
