// The walks over a model: what they meet, in which order, under which names; as constants, without LibTorch.
#include <array>

#include <boost/hana/define_struct.hpp>

#include <ashlar/model/bind.hpp>
#include <ashlar/model/own_numel.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/nn/lora.hpp>
#include <ashlar/policies.hpp>

namespace ashlar {
namespace {

// One of each kind.
struct Inner {
  using Weight = nn::Parameter<2, 3>;
  using Mean = nn::Buffer<5>;
  BOOST_HANA_DEFINE_STRUCT(Inner, (Weight, weight), (Mean, mean));
};
struct Net {
  using Pair = std::array<Inner, 2>;
  using Held = nn::Frozen<nn::Linear<3, 4>>;
  using Source = nn::Embedding<7, 3>;
  using Reference = nn::Tied<Source>;
  using Scale = nn::Parameter<1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Pair, pair), (Held, held), (Source, source), (Reference, reference),
                           (Scale, scale));
};

struct Met {
  Name name{};
  long numel = 0;
  Role role{};
};

consteval Met met(int index) {
  Net net;
  Met found;
  for_each_tensor(net, [&](const Name& name, auto& tensor, Role role) {
    if (index-- == 0) found = {name, tensor.numel, role};
  });
  return found;
}

consteval bool is(int index, std::string_view name, long numel, Role role) {
  const Met found = met(index);
  return found.name.view() == name && found.numel == numel && found.role == role;
}

static_assert(is(0, "pair.0.weight", 6, Role::trained));
static_assert(is(1, "pair.0.mean", 5, Role::buffer));
static_assert(is(2, "pair.1.weight", 6, Role::trained));
static_assert(is(3, "pair.1.mean", 5, Role::buffer));
static_assert(is(4, "held.weight", 12, Role::frozen), "Frozen leaves no trace in the names");
static_assert(is(5, "held.bias", 4, Role::frozen));
static_assert(is(6, "source.weight", 21, Role::trained), "what is tied is met once, at its owner");
static_assert(is(7, "scale", 1, Role::trained));
static_assert(is(8, "", 0, Role{}), "and nothing else");

// for_each_module meets the model itself, lists and references too; not parameters and buffers.
consteval int modules() {
  Net net;
  int count = 0;
  for_each_module(net, [&](auto&) { ++count; });
  return count;
}
static_assert(modules() == 1 + (1 + 2) + (1 + 1) + 1 + 1);

// bind_ties points each reference at its owner, inside the model at hand.
consteval bool bound() {
  Net net;
  bind_ties(net);
  return net.reference.owner == &net.source;
}
static_assert(bound());

// Names.
static_assert(Name("blocks").dot(0).dot("weight").view() == "blocks.0.weight");
static_assert(Name("blocks").dot(1234567890).view() == "blocks.1234567890");
static_assert(Name().dot("weight").view() == "weight");

// What occurs, what repeats, what is tied.
static_assert(contains<Net, Inner> && contains<Net, Net> && !contains<Net, nn::Embedding<7, 4>>);
static_assert(contains<Net, nn::Linear<3, 4>>, "Frozen is a module that holds another");
static_assert(occurrences<Net, Inner>() == 2 && occurrences<Net, Net::Source>() == 1);
static_assert(occurrences<Net, nn::Linear<4, 3>>() == 0);
static_assert(repeats<Net, Inner>() && !repeats<Net, Net::Source>());
static_assert(ties<Net, Net::Source> && !ties<Net, Inner>);

// own_numel leaves out what an inner unit holds.
static_assert(own_numel<wrap::WholeModel, Net, Net>() == 2 * 6 + 12 + 4 + 21 + 1);
static_assert(own_numel<wrap::Each<Inner>, Net, Net>() == 12 + 4 + 21 + 1);
static_assert(own_numel<wrap::Each<Inner>, Net, Inner>() == 6, "buffers are no parameters");

}  // namespace
}  // namespace ashlar
