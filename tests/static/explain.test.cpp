// The rules of composition, each broken in exactly one place. What is said about it: tests/compile_fail.
#include <array>
#include <memory>
#include <vector>

#include <boost/hana/define_struct.hpp>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/nn/lora.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/optim/sgd.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {
namespace {

using Archetype = CommunicatorArchetype;
using Gpt = models::Gpt<models::GptShape{.vocabulary = 256, .context = 8, .layers = 2, .heads = 2, .dim = 8}>;

// Shard. A derived struct hides one member of a policy at a time.
struct NoName : shard::Zero3 {
  void name();
};
struct NoParameters : shard::Zero3 {
  void parameters();
};
struct NoGradients : shard::Zero3 {
  void gradients();
};
struct NoOptimizer : shard::Zero3 {
  void optimizer();
};
struct NoReshardAfter : shard::Zero3 {
  void reshard_after();
};
struct NoReduce : shard::Zero3 {
  void reduce();
};
struct NoUnshard : shard::Zero3 {
  void unshard();
};
struct NoPublish : shard::Zero1 {
  void publish();
};
struct ReplicateWithoutPublish : shard::Replicate {
  void publish();
};
static_assert(shard_policy<shard::Zero3>);
static_assert(placed<NoName> && !names_itself<NoName> && !shard_policy<NoName>);
static_assert(!places_parameters<NoParameters> && !shard_policy<NoParameters>);
static_assert(!places_gradients<NoGradients> && !shard_policy<NoGradients>);
static_assert(!places_optimizer<NoOptimizer> && !shard_policy<NoOptimizer>);
static_assert(!says_when_to_reshard<NoReshardAfter> && !shard_policy<NoReshardAfter>);
static_assert(sensible_placement<NoReduce> && !reduces<NoReduce, Archetype> && !shard_policy<NoReduce>);
static_assert(sensible_placement<NoUnshard> && !unshards<NoUnshard, Archetype> && !shard_policy<NoUnshard>);
static_assert(sensible_placement<NoPublish> && !publishes<NoPublish, Archetype> && !shard_policy<NoPublish>);
static_assert(shard_policy<ReplicateWithoutPublish>, "what is replicated throughout publishes nothing");

// Precision.
struct NarrowMaster : precision::Bf16Pure {
  static constexpr auto compute = dtype::f32;
};
struct ReducesNarrow : precision::Bf16Mixed {
  static constexpr auto reduce = dtype::bf16;
};
struct NoMaster : precision::Fp32 {
  void master();
};
static_assert(names_types<NarrowMaster> && !keeps_master<NarrowMaster> && !precision_policy<NarrowMaster>);
static_assert(names_types<ReducesNarrow> && !keeps_master<ReducesNarrow>);
static_assert(!names_types<NoMaster> && !precision_policy<NoMaster>);

// Wrap, Checkpoint, Offload: what a slot does not hold.
static_assert(!wrap_policy<Gpt::Block> && !wrap_policy<checkpoint::None>);
static_assert(!checkpoint_policy<offload::None> && !offload_policy<checkpoint::None>);

// What is wrapped is a module that occurs in the model.
using Stranger = models::GptBlock<models::gpt2>;
static_assert(wraps<wrap::Each<Gpt::Block>, Gpt> && wraps<wrap::Each<Gpt::Block, Gpt::Positions>, Gpt>);
static_assert(!wraps<wrap::Each<Stranger>, Gpt> && !wraps<wrap::Each<Gpt::Block, Stranger>, Gpt>);
static_assert(!wraps<wrap::Each<Gpt::Blocks>, Gpt>, "a list is no module");
static_assert(!wraps<wrap::Each<Gpt::Tokens::Weight>, Gpt>, "nor is a parameter");
static_assert(!wraps<wrap::Each<Gpt::Head>, Gpt>, "nor is a tied reference");
static_assert(wraps<wrap::Each<nn::Linear<8, 24>>, Gpt>, "however deep it lies");

// Torch modules, as far as the concepts look.
struct Module {
  void named_parameters();
  void named_buffers();
};
using Torch = std::shared_ptr<Module>;
struct Mixed {
  using Head = nn::Linear<8, 2>;
  BOOST_HANA_DEFINE_STRUCT(Mixed, (Torch, body), (Head, head));
};
static_assert(model<Torch> && model<Mixed> && !model<int> && !model<Module>);
static_assert(wraps<wrap::WholeModel, Torch> && wraps<wrap::Each<Torch>, Mixed>);
static_assert(!wraps<wrap::BySize<1024>, Torch> && !wraps<wrap::BySize<1024>, Mixed>);

// What is declared is met by every walk, or refused.
using Layer = nn::Mlp<8>;
struct VectorOfLayers {
  BOOST_HANA_DEFINE_STRUCT(VectorOfLayers, (std::vector<Layer>, layers));
};
struct ListOfLists {
  using Row = std::array<Layer, 2>;
  using Rows = std::array<Row, 2>;
  BOOST_HANA_DEFINE_STRUCT(ListOfLists, (Rows, layers));
};
struct Scalar {
  BOOST_HANA_DEFINE_STRUCT(Scalar, (Layer, layer), (double, epsilon));
};
struct Deep {
  BOOST_HANA_DEFINE_STRUCT(Deep, (Layer, layer), (Scalar, inner));
};
using Adapted = nn::Lora<nn::Linear<8, 8>, 2>;
static_assert(declares_known_members<Gpt> && declares_known_members<Mixed> &&
              declares_known_members<Adapted>);
static_assert(!declares_known_members<VectorOfLayers> && !declares_known_members<ListOfLists> &&
              !declares_known_members<Scalar> && !declares_known_members<Deep>);

// Ties: whoever is wrapped holds all that is tied to what it holds.
struct Inner {
  using Source = nn::Embedding<4, 8>;
  using Reference = nn::Tied<Source>;
  BOOST_HANA_DEFINE_STRUCT(Inner, (Source, source), (Reference, reference));
};
struct Outer {
  BOOST_HANA_DEFINE_STRUCT(Outer, (Layer, layer), (Inner, inner));
};
static_assert(!keeps_ties_together<wrap::Each<Gpt::Tokens>, Gpt>);
static_assert(keeps_ties_together<wrap::Each<Gpt::Block>, Gpt> && keeps_ties_together<wrap::WholeModel, Gpt>);
static_assert(keeps_ties_together<wrap::BySize<4>, Gpt>, "BySize never makes a unit of what is tied");
static_assert(keeps_ties_together<wrap::Each<Inner>, Outer>, "owner and reference are in one unit");
static_assert(!keeps_ties_together<wrap::Each<Inner::Source>, Outer>);

// Recomputation asks for repeated layers.
static_assert(checkpoints<checkpoint::Recompute, Gpt> && !checkpoints<checkpoint::Recompute, Outer>);
static_assert(checkpoints<checkpoint::None, Outer> && !checkpoints<checkpoint::Recompute, Torch>);

// A communicator serves the policies whose collectives it has, if it has what every trainer calls.
struct NoReduceScatter : Archetype {
  void reduce_scatter() = delete;
};
struct NoBroadcast : Archetype {
  void broadcast() = delete;
};
static_assert(serves<NoReduceScatter, shard::Replicate> && !serves<NoReduceScatter, shard::Zero1> &&
              !serves<NoReduceScatter, shard::Zero3>);
static_assert(!serves<NoBroadcast, shard::Replicate>);

// Optimizers.
struct NoUpdate : optim::Sgd {
  void update();
};
static_assert(optimizer<optim::AdamW> && optimizer<optim::Sgd>);
static_assert(!optimizer<NoUpdate> && !optimizer<optim::Cosine>);

}  // namespace
}  // namespace ashlar
