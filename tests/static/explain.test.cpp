// The rules of composition, each broken in exactly one place. What is said about it: tests/compile_fail.
#include <array>
#include <memory>
#include <string>
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
struct SplitsFloat32 : precision::Fp32 {
  static constexpr bool splits_master = true;
};
struct SplitsNothing : precision::Fp32 {
  static constexpr bool splits_master = false;
};
struct NoMaster : precision::Fp32 {
  void master();
};
struct NotConstant : precision::Fp32 {
  static inline dtype compute = dtype::f32;
};
static_assert(names_types<NarrowMaster> && !keeps_master<NarrowMaster> && !precision_policy<NarrowMaster>);
static_assert(names_types<ReducesNarrow> && !reduces_for_master<ReducesNarrow> &&
              !precision_policy<ReducesNarrow>);
static_assert(reduces_for_master<SplitsFloat32> && !splits_float32<SplitsFloat32> &&
              !precision_policy<SplitsFloat32>);
static_assert(precision_policy<SplitsNothing> && !splits_master<SplitsNothing>);
static_assert(!names_types<NoMaster> && names_compute<NoMaster> && !precision_policy<NoMaster>);
static_assert(!names_compute<NotConstant> && !precision_policy<NotConstant>);

// A name that is no constant is none, and neither is one of another kind.
struct NameAtRunTime : offload::None {
  static inline std::string_view name = "";
};
struct NumberedName : offload::None {
  static constexpr int name = 1;
};
static_assert(names_itself<offload::None> && !names_itself<NameAtRunTime> && !names_itself<NumberedName>);

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

static_assert(!wraps<wrap::Each<Gpt>, Gpt>, "the model itself is always a unit");
static_assert(names_modules_once<wrap::Each<int, long>> && !names_modules_once<wrap::Each<int, long, int>>);
static_assert(names_some_module<wrap::WholeModel> && !names_some_module<wrap::Each<>>);
static_assert(names_positive_size<wrap::BySize<1>> && names_positive_size<wrap::WholeModel> &&
              !names_positive_size<wrap::BySize<0>> && !names_positive_size<wrap::BySize<-5>>);

// A unit has something to gather, if only in the units within it.
struct Relu {
  BOOST_HANA_DEFINE_STRUCT(Relu);
};
struct Pair {
  using Inner = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Pair, (Inner, first), (Relu, relu), (Inner, second));
};
struct Pairs {
  using All = std::array<Pair, 2>;
  BOOST_HANA_DEFINE_STRUCT(Pairs, (All, all), (Relu, relu));
};
static_assert(units_hold_parameters<wrap::Each<Pair>, Pairs> &&
              units_hold_parameters<wrap::Each<Pair, Pair::Inner>, Pairs>);
static_assert(!units_hold_parameters<wrap::Each<Relu>, Pairs>);
static_assert(!units_hold_parameters<wrap::BySize<0>, Pairs>);

// What is recomputed is recomputed once.
template <class... Types>
using Recomputed = checkpoint::RecomputeEach<Types...>;
static_assert(checkpoints<Recomputed<Pair>, Pairs> && checkpoints<Recomputed<Pair::Inner>, Pairs>);
static_assert(!checkpoints<Recomputed<Gpt>, Pairs> && !checkpoints<Recomputed<Pairs>, Pairs> &&
              !checkpoints<Recomputed<Pairs::All>, Pairs>);
static_assert(recomputes_once<checkpoint::Recompute, Gpt> && recomputes_once<checkpoint::None, Gpt>);
static_assert(recomputes_once<Recomputed<Pair>, Pairs> && recomputes_once<Recomputed<Pair::Inner>, Pairs> &&
              !recomputes_once<Recomputed<Pair, Pair::Inner>, Pairs>);

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
              declares_known_members<Adapted> && declares_known_members<ListOfLists>);
static_assert(!declares_known_members<VectorOfLayers> && !declares_known_members<Scalar> &&
              !declares_known_members<Deep>);

// What is not declared and holds tensors is found where the compiler can look: in a struct without
// constructors. What holds none is nobody's business.
struct Config {
  double rate = 0;
  std::string text;
};
struct Carefree {
  BOOST_HANA_DEFINE_STRUCT(Carefree, (Layer, layer));
  double epsilon = 1e-5;
  float table[3] = {};
  std::vector<int> sizes;
  Config config;
  const Layer* borrowed = nullptr;
};
struct NothingDeclared {
  BOOST_HANA_DEFINE_STRUCT(NothingDeclared);
};
struct Inherits : Carefree {};
struct InheritsNothing : NothingDeclared {
  int more = 0;
};
struct HidesFirst {
  Layer hidden;
  BOOST_HANA_DEFINE_STRUCT(HidesFirst, (Layer, layer));
};
struct HidesLast {
  BOOST_HANA_DEFINE_STRUCT(HidesLast, (Layer, layer));
  double epsilon = 0;
  float table[3] = {};
  Config config;
  std::array<Layer, 2> hidden;
};
struct HidesArray {
  BOOST_HANA_DEFINE_STRUCT(HidesArray, (Layer, layer));
  Layer hidden[2];
};
struct HidesBuffer {
  BOOST_HANA_DEFINE_STRUCT(HidesBuffer, (Layer, layer));
  nn::Buffer<3> hidden;
};
struct HidesWithin {
  struct Inside {
    Layer layer;
  };
  BOOST_HANA_DEFINE_STRUCT(HidesWithin, (Layer, layer));
  Inside inside;
};
struct HidesTorch {
  BOOST_HANA_DEFINE_STRUCT(HidesTorch, (Layer, layer));
  Torch hidden;
};
struct HidesInherited : Carefree {
  Layer hidden;
};
struct HidesBelow {
  using Row = std::array<HidesLast, 2>;
  BOOST_HANA_DEFINE_STRUCT(HidesBelow, (Row, row));
};
static_assert(!hides_tensors<Gpt> && !hides_tensors<Mixed> && !hides_tensors<Adapted> &&
              !hides_tensors<Deep> && !hides_tensors<Carefree> && !hides_tensors<NothingDeclared> &&
              !hides_tensors<Inherits> && !hides_tensors<InheritsNothing> &&
              !hides_tensors<nn::Frozen<Layer>>);
static_assert(hides_tensors<HidesFirst> && hides_tensors<HidesLast> && hides_tensors<HidesArray> &&
              hides_tensors<HidesBuffer> && hides_tensors<HidesWithin> && hides_tensors<HidesTorch> &&
              hides_tensors<HidesInherited>);
static_assert(declares_all_that_holds_tensors<Gpt> && !declares_all_that_holds_tensors<HidesBelow>);

// Sizes are positive, and something is there to train.
struct Empty {
  using Row = nn::Embedding<4, 0>;
  BOOST_HANA_DEFINE_STRUCT(Empty, (Layer, layer), (Row, row));
};
struct NegativeBuffer {
  using Table = nn::Buffer<-2, -3>;
  BOOST_HANA_DEFINE_STRUCT(NegativeBuffer, (Layer, layer), (Table, table));
};
struct OnlyBuffer {
  using Table = nn::Buffer<2>;
  BOOST_HANA_DEFINE_STRUCT(OnlyBuffer, (Table, table));
};
static_assert(has_positive_sizes<Gpt> && has_positive_sizes<Torch> && has_positive_sizes<OnlyBuffer> &&
              !has_positive_sizes<Empty> && !has_positive_sizes<NegativeBuffer>);
static_assert(has_parameters<Gpt> && has_parameters<Torch> && !has_parameters<OnlyBuffer> &&
              !has_parameters<Relu>);

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

// A world has the dimensions that are sharded over, or more.
struct Hybrid : shard::Zero3 {
  static constexpr int dimensions = 2;
};
struct Mesh : Archetype {
  static constexpr int dimensions = 2;
};
static_assert(spans<Archetype, shard::Zero3> && spans<Mesh, Hybrid> && spans<Mesh, shard::Zero3> &&
              !spans<Archetype, Hybrid>);

// Optimizer state on the host is a shard.
struct ToHost {
  static constexpr std::string_view name = "ToHost";
  static constexpr auto optimizer = memory::host;
};
static_assert(offload_policy<ToHost> && offloads_a_shard<ToHost, shard::Zero1> &&
              !offloads_a_shard<ToHost, shard::Replicate> &&
              offloads_a_shard<offload::None, shard::Replicate>);

// A loss is found by its name, and tried with a batch; an objective by how it is called.
struct Run {};
struct TakesBatch : Pairs {
  Tensor loss(auto&, const Tensor&, const Tensor&);
};
struct TakesOne final {
  Tensor loss(auto&, const Tensor&);
};
struct ReturnsNumber {
  double loss(auto&, const Tensor&, const Tensor&);
};
static_assert(has_loss<TakesBatch> && has_loss<TakesOne> && !has_loss<Pairs> && !has_loss<int>);
static_assert(loss_is_one<TakesBatch, Run> && !loss_is_one<TakesOne, Run> &&
              !loss_is_one<ReturnsNumber, Run, double>);

// Whether it fits is asked of its signature alone: a body that no run can compile is not looked at.
struct BodyForNobody : Pairs {
  template <class R>
  auto loss(R&, const auto&, const auto&) const {
    static_assert(sizeof(R) == 0);
  }
  template <class R>
  auto forward(R&, const auto&) const {
    static_assert(sizeof(R) == 0);
  }
};
struct NotConst : Pairs {
  Tensor& forward(auto&, const Tensor&);
};
struct TwoFinal final : Pairs {
  Tensor& loss(auto&, const Tensor&, const Tensor&);
  Tensor& forward(auto&, const Tensor&) const;
};
static_assert(loss_fits<BodyForNobody, Run> && loss_fits<TakesBatch, Run> && loss_fits<ReturnsNumber, Run> &&
              loss_fits<TwoFinal, Run>);
static_assert(!loss_fits<Pairs, Run> && !loss_fits<TakesOne, Run>);
static_assert(forward_fits<BodyForNobody, Run, Tensor> && forward_fits<Layer, Run, Tensor> &&
              forward_fits<nn::Frozen<Layer>, Run, Tensor> && forward_fits<TwoFinal, Run, Tensor>);
static_assert(!forward_fits<Pairs, Run, Tensor> && !forward_fits<BodyForNobody, Run, Tensor, Tensor> &&
              !forward_fits<BodyForNobody, Run> && !forward_fits<NotConst, Run, Tensor> &&
              !forward_fits<TwoFinal, Run>);
static_assert(objective_is_one<Tensor& (*)(), Run> && objective_is_one<Tensor& (*)(Run&), Run> &&
              objective_is_one<Tensor& (*)(Run&, int), Run, Tensor&>);
struct Overloaded {
  Tensor& operator()(Run&);
  Tensor& operator()(Run&, int) const;
};
inline constexpr auto body_for_nobody = []<class R>(R&) { static_assert(sizeof(R) == 0); };
inline constexpr auto of_nothing = [] { return 1.0; };
using BodyOfObjective = std::remove_const_t<decltype(body_for_nobody)>;
static_assert(call_fits<BodyOfObjective, Run> && call_fits<const BodyOfObjective, Run> &&
              objective_fits<BodyOfObjective, Run> && objective_fits<decltype(of_nothing), Run>);
static_assert(!call_fits<BodyOfObjective, Run, int> && !call_fits<BodyOfObjective> &&
              !call_fits<decltype(of_nothing), Run>);
static_assert(call_fits<Overloaded, Run> && call_fits<Overloaded, Run, int> && !call_fits<Overloaded>);
static_assert(objective_fits<Tensor& (*)(Run&, int), Run> && !objective_fits<Tensor& (*)(int), Run> &&
              !objective_fits<int, Run> && !objective_fits<Pairs, Run>);
static_assert(!objective_is_one<double (*)(), Run, double> && !objective_is_one<Tensor& (*)(int), Run>);

// Optimizers.
struct NoUpdate : optim::Sgd {
  void update();
};
static_assert(optimizer<optim::AdamW> && optimizer<optim::Sgd>);
static_assert(!optimizer<NoUpdate> && !optimizer<optim::Cosine>);

}  // namespace
}  // namespace ashlar
