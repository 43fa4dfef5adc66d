// Every combination of policies, generated: which compose, and which of these train a declared model and an
// ordinary torch::nn module. Run as a program it prints the table of README.md.
#include <array>
#include <cstdio>
#include <memory>
#include <string_view>

#include <boost/hana/for_each.hpp>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/optim/sgd.hpp>
#include <ashlar/trainer.hpp>

#include "support/policies.hpp"

namespace ashlar {
namespace {

namespace hana = boost::hana;

using Gpt =
    models::Gpt<models::GptShape{.vocabulary = 256, .context = 8, .layers = 2, .heads = 2, .dim = 32}>;
using Llama =
    models::Llama<models::LlamaShape{.vocabulary = 256, .layers = 2, .dim = 32, .heads = 2, .kv_heads = 1}>;
struct Module {  // stands for a torch::nn::Module
  void named_parameters();
  void named_buffers();
};
using Torch = std::shared_ptr<Module>;

using test::axes, test::axis_count, test::for_all;

constexpr std::size_t size = test::combinations<Gpt>;
static_assert(size == 5 * 4 * 2 * 3 * 3);

consteval std::size_t count(const std::array<bool, size>& results) {
  std::size_t sum = 0;
  for (const bool result : results) sum += result;
  return sum;
}

template <class Policies, class Model>
constexpr auto trains = for_all<Policies>([]<class S, class P, class O, class W, class C>() {
  if constexpr (composable<S, P, O, W, C>)
    return usable<Trainer<S, P, O, W, C>, Model, CommunicatorArchetype, optim::AdamW>;
  else
    return false;
});

// What composes trains the model whose blocks it names: all but a whole optimizer that rests on the host.
constexpr std::size_t sensible = (5 * 2 - 1) * 4 * 3 * 3;
constexpr auto composes = for_all<Gpt>([]<class S, class P, class O, class W, class C>() {
  if constexpr (composable<S, P, O, W, C>)
    return explain<S, P, O, W, C>();
  else
    return false;
});
static_assert(count(composes) == sensible);
static_assert(count(trains<Gpt, Gpt>) == sensible && count(trains<Llama, Llama>) == sensible);
static_assert(count(for_all<Gpt>([]<class S, class P, class O, class W, class C>() {
                return composable<S, P, O, W, C> ==
                       (O::optimizer == memory::device || S::optimizer == placement::sharded);
              })) == size);

// A block of the other model occurs nowhere: what names it is refused, and nothing else.
static_assert(count(trains<Gpt, Llama>) == (5 * 2 - 1) * 4 * 2 * 2);

// An ordinary torch::nn module is one unit and has no repeated layers that the compiler sees.
static_assert(count(trains<Gpt, Torch>) == (5 * 2 - 1) * 4 * 1 * 1);

// Two policies in each other's slots never compose, not even those that are called None.
static_assert(count(for_all<Gpt>([]<class S, class P, class O, class W, class C>() {
                return composable<P, S, O, W, C> || composable<O, P, S, W, C> || composable<W, P, O, S, C> ||
                       composable<C, P, O, W, S> || composable<S, O, P, W, C> || composable<S, W, O, P, C> ||
                       composable<S, C, O, W, P> || composable<S, P, W, O, C> || composable<S, P, C, W, O> ||
                       composable<S, P, O, C, W>;
              })) == 0);

// Of the 16 ways to place parameters, gradients and optimizer state and to reshard, 5 make sense: everything
// that follows something sharded is sharded, and only what is sharded is resharded after forward.
template <placement p, placement g, placement o, pass after = pass::backward>
struct Point {
  static constexpr std::string_view name = "Point";
  static constexpr auto parameters = p, gradients = g, optimizer = o;
  static constexpr auto reshard_after = after;
  static CommunicatorArchetype::Work reduce(Tensor&, Tensor&, CommunicatorArchetype&);
  static CommunicatorArchetype::Work unshard(Tensor&, const Tensor&, CommunicatorArchetype&);
  static CommunicatorArchetype::Work publish(Tensor&, const Tensor&, CommunicatorArchetype&);
};
inline constexpr auto r = placement::replicated, s = placement::sharded;
static_assert(shard_policy<Point<r, r, r>> && shard_policy<Point<r, r, s>> && shard_policy<Point<r, s, s>> &&
              shard_policy<Point<s, s, s>> && shard_policy<Point<s, s, s, pass::forward>>);
static_assert(!shard_policy<Point<r, s, r>> && !shard_policy<Point<s, r, r>> &&
              !shard_policy<Point<s, r, s>> && !shard_policy<Point<s, s, r>>);
static_assert(!shard_policy<Point<r, r, r, pass::forward>> && !shard_policy<Point<r, r, s, pass::forward>> &&
              !shard_policy<Point<r, s, s, pass::forward>> && !shard_policy<Point<r, s, r, pass::forward>> &&
              !shard_policy<Point<s, r, r, pass::forward>> && !shard_policy<Point<s, r, s, pass::forward>> &&
              !shard_policy<Point<s, s, r, pass::forward>>);

// The table: by policy, how many combinations have it, compose, and train either kind of model.
struct Row {
  std::string_view axis, policy;
  std::size_t combinations = 0, composed = 0, declared = 0, torch = 0;
};

constexpr std::array<std::string_view, 5> axis_names{"shard", "precision", "offload", "wrap", "checkpoint"};

consteval auto make_table() {
  constexpr std::size_t count_of_policies = [] {
    std::size_t sum = 0;
    for (const std::size_t count : test::sizes<Gpt>) sum += count;
    return sum;
  }();
  std::array<Row, count_of_policies + 1> table{};
  std::array<std::size_t, axis_count> first{};  // by axis, its first row
  std::size_t end = 0, axis = 0;
  hana::for_each(axes<Gpt>, [&](auto policies) {
    first[axis] = end;
    hana::for_each(policies, [&](auto type) {
      table[end++] = {axis_names[axis], decltype(type)::type::name};
    });
    ++axis;
  });
  table[end].policy = "all";
  for (std::size_t i = 0; i < size; ++i) {
    const auto add = [&](Row& row) {
      row.combinations += 1;
      row.composed += composes[i];
      row.declared += trains<Gpt, Gpt>[i];
      row.torch += trains<Gpt, Torch>[i];
    };
    for (std::size_t a = 0; a < axis_count; ++a) add(table[first[a] + test::indices<Gpt>(i)[a]]);
    add(table[end]);
  }
  return table;
}

constexpr auto table = make_table();

}  // namespace
}  // namespace ashlar

int main() {
  std::puts("| policy | compose | refused | train a declared model | train a torch::nn module |");
  std::puts("|---|---|---|---|---|");
  for (const ashlar::Row& row : ashlar::table) {
    const bool sum = row.axis.empty();
    std::printf(sum ? "| %s%s |" : "| `%s::%s` |", sum ? "" : row.axis.data(), row.policy.data());
    std::printf(" %zu | %zu | %zu | %zu |\n", row.composed, row.combinations - row.composed, row.declared,
                row.torch);
  }
}
