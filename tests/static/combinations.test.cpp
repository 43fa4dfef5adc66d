// Every combination of policies, generated: all that fit their slots compose, and nothing else does.
#include <boost/hana/cartesian_product.hpp>
#include <boost/hana/count_if.hpp>
#include <boost/hana/length.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>
#include <boost/hana/unpack.hpp>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/optim/sgd.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {
namespace {

namespace hana = boost::hana;

using Gpt = models::Gpt<models::GptShape{.vocabulary = 256, .context = 8, .layers = 2, .heads = 2, .dim = 8}>;
using Llama =
    models::Llama<models::LlamaShape{.vocabulary = 256, .layers = 2, .dim = 8, .heads = 2, .kv_heads = 1}>;

template <class Block>
constexpr auto slots = hana::make_tuple(
    hana::tuple_t<shard::Replicate, shard::Zero1, shard::Zero2, shard::ShardGradOp, shard::Zero3>,
    hana::tuple_t<precision::Fp32, precision::Bf16Mixed, precision::Bf16Pure>, hana::tuple_t<offload::None>,
    hana::tuple_t<wrap::WholeModel, wrap::Each<Block>, wrap::BySize<1024>>,
    hana::tuple_t<checkpoint::None, checkpoint::Recompute>);

constexpr auto combinations = hana::cartesian_product(slots<Gpt::Block>);

// How many of the combinations, each a tuple of hana::type, satisfy test.operator()<Policies...>().
consteval std::size_t count(auto all, auto test) {
  return hana::count_if(all, [=](auto policies) {
    return hana::unpack(policies, [=](auto... types) {
      return hana::bool_c<test.template operator()<typename decltype(types)::type...>()>;
    });
  });
}

static_assert(decltype(hana::length(combinations))::value == 5 * 3 * 1 * 3 * 2);
static_assert(count(combinations, []<class S, class P, class O, class W, class C>() {
                return composable<S, P, O, W, C> && explain<S, P, O, W, C>();
              }) == 90);

// With a model, a communicator and an optimizer that have all that is asked for, too.
static_assert(count(combinations, []<class S, class P, class O, class W, class C>() {
                return usable<Trainer<S, P, O, W, C>, Gpt, CommunicatorArchetype, optim::AdamW>;
              }) == 90);
static_assert(count(hana::cartesian_product(slots<Llama::Block>),
                    []<class S, class P, class O, class W, class C>() {
                      return usable<Trainer<S, P, O, W, C>, Llama, CommunicatorArchetype, optim::Sgd>;
                    }) == 90);

// A block of the other model occurs nowhere: the 30 combinations that name it are refused, and only those.
static_assert(count(combinations, []<class S, class P, class O, class W, class C>() {
                return usable<Trainer<S, P, O, W, C>, Llama, CommunicatorArchetype, optim::AdamW>;
              }) == 60);

// Two policies in each other's slots never compose, not even the two that are called None.
static_assert(count(combinations, []<class S, class P, class O, class W, class C>() {
                return composable<P, S, O, W, C> || composable<O, P, S, W, C> || composable<W, P, O, S, C> ||
                       composable<C, P, O, W, S> || composable<S, O, P, W, C> || composable<S, W, O, P, C> ||
                       composable<S, C, O, W, P> || composable<S, P, W, O, C> || composable<S, P, C, W, O> ||
                       composable<S, P, O, C, W>;
              }) == 0);

// Of the 8 ways to place parameters, gradients and optimizer state, 4 make sense: everything that follows
// something sharded is sharded.
template <placement p, placement g, placement o>
struct Point : CommunicatorArchetype {
  static constexpr std::string_view name = "Point";
  static constexpr auto parameters = p, gradients = g, optimizer = o;
  static constexpr auto reshard_after = pass::forward;
  static CommunicatorArchetype::Work reduce(Tensor&, Tensor&, CommunicatorArchetype&);
  static CommunicatorArchetype::Work unshard(Tensor&, const Tensor&, CommunicatorArchetype&);
  static CommunicatorArchetype::Work publish(Tensor&, const Tensor&, CommunicatorArchetype&);
};
inline constexpr auto r = placement::replicated, s = placement::sharded;
static_assert(shard_policy<Point<r, r, r>> && shard_policy<Point<r, r, s>> && shard_policy<Point<r, s, s>> &&
              shard_policy<Point<s, s, s>>);
static_assert(!shard_policy<Point<r, s, r>> && !shard_policy<Point<s, r, r>> &&
              !shard_policy<Point<s, r, s>> && !shard_policy<Point<s, s, r>>);

}  // namespace
}  // namespace ashlar
