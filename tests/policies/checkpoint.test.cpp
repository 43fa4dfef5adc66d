// Every Checkpoint policy keeps the laws of its concept, and the laws refuse one that recomputes too much.
// processes: 1 2
#include <ashlar/laws/checkpoint.hpp>

#include <ATen/record_function.h>

#include <atomic>
#include <memory>

#include <ashlar/comm/mpi.hpp>
#include <ashlar/comm/solo.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("every Checkpoint policy keeps the laws") {
  comm::Mpi comm;
  CHECK(laws::checkpoint<checkpoint::None>(comm));
  CHECK(laws::checkpoint<checkpoint::Recompute>(comm));
  CHECK(laws::checkpoint<checkpoint::RecomputeEach<laws::detail::Dropped>>(comm));
  CHECK(laws::checkpoint<checkpoint::RecomputeEach<laws::detail::Dropped::Weight>>(comm));
  comm::Solo solo;
  CHECK(laws::checkpoint<checkpoint::Recompute>(solo));
}

TEST_CASE("and on a GPT") {
  comm::Mpi comm;
  using Gpt =
      models::Gpt<models::GptShape{.vocabulary = 17, .context = 6, .layers = 2, .heads = 2, .dim = 12}>;
  const Tensor ids = laws::held(comm.rank(), 12, c10::Device(c10::kCPU)).to(at::kLong).view({2, 6});
  CHECK(laws::checkpoint<checkpoint::Recompute>(comm, Gpt(), ids, ids.flip(1)));
  CHECK(laws::checkpoint<checkpoint::RecomputeEach<Gpt::Block::Mlp>>(comm, Gpt(), ids, ids.flip(1)));
}

// Scales by how often it has run: what another forward does not repeat.
struct Counts {
  using Weight = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Counts, (Weight, weight));
  mutable int runs = 0;

  Tensor forward(auto& run, const Tensor& x) const { return run(weight, x) * ++runs; }
};
struct Net {
  using Layers = std::array<laws::detail::Dropped, 2>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers), (Counts, counts));

  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    return (run(counts, run(layers[1], run(layers[0], x))) - y).square().mean();
  }
};

// Recompute, and one type more.
struct RecomputesTooMuch : checkpoint::Recompute {
  static constexpr std::string_view name = "RecomputesTooMuch";
  template <class Model, class T>
  static consteval bool recomputes() {
    return checkpoint::Recompute::recomputes<Model, T>() || std::is_same_v<T, Counts>;
  }
};

TEST_CASE("the laws refuse a broken Checkpoint policy") {
  comm::Mpi comm;
  const Tensor x = at::linspace(-1, 1, 16).view({2, 8});
  CHECK(laws::checkpoint<checkpoint::Recompute>(comm, Net(), x, x));
  CHECK_THAT(test::sentence([&] { laws::checkpoint<RecomputesTooMuch>(comm, Net(), x, x); }),
             ContainsSubstring("[ashlar.law.12]") && ContainsSubstring("RecomputesTooMuch") &&
                 ContainsSubstring("in the gradient of unit 0 on rank 0"));

  // A model without a list has nothing that Recompute recomputes.
  CHECK_THAT(test::sentence([&] { laws::checkpoint<checkpoint::Recompute>(comm, Counts(), x, x); }),
             ContainsSubstring("[ashlar.law.11]"));
}

// Layers whose end is read by backward, or not.
using Product = nn::Linear<8, 8>;
struct Ends {  // in a product
  BOOST_HANA_DEFINE_STRUCT(Ends, (Product, first), (Product, second));
  auto forward(auto& run, const Tensor& x) const { return run(second, at::tanh(run(first, x))); }
};
struct EndsInSum {
  BOOST_HANA_DEFINE_STRUCT(EndsInSum, (Product, first), (Product, second));
  auto forward(auto& run, const Tensor& x) const {
    const Tensor h = x - run(first, x);
    return h + run(second, h);
  }
};
struct Curves {  // saves what it returns
  BOOST_HANA_DEFINE_STRUCT(Curves, (Product, first));
  auto forward(auto& run, const Tensor& x) const { return at::tanh(x + run(first, x)); }
};
struct ReadsDetached {  // autograd knows of one path from the product only, and that has sums alone
  BOOST_HANA_DEFINE_STRUCT(ReadsDetached, (Product, first));
  auto forward(auto& run, const Tensor& x) const {
    const Tensor y = run(first, x);
    return y + y.detach().sigmoid() * x;
  }
};
struct Branches {  // both products are ends, and the second does not read the first
  BOOST_HANA_DEFINE_STRUCT(Branches, (Product, first), (Product, second));
  auto forward(auto& run, const Tensor& x) const { return x + run(first, x) + run(second, x); }
};
struct Changes {  // from step to step
  BOOST_HANA_DEFINE_STRUCT(Changes, (Product, first));
  bool curves = false;
  auto forward(auto& run, const Tensor& x) const {
    const Tensor y = run(first, x);
    return x + (curves ? at::tanh(y) : y);
  }
};

template <class Layer>
struct Two {
  using Layers = std::array<Layer, 2>;
  BOOST_HANA_DEFINE_STRUCT(Two, (Layers, layers));
  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    return (run(layers[1], run(layers[0], x)) - y).square().mean();
  }
};

// How often LibTorch runs an operation.
class Calls {
 public:
  explicit Calls(std::string name) : name_(std::move(name)) {}
  ~Calls() { at::removeCallback(handle_); }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  int count() const { return count_; }

 private:
  static inline Calls* now_ = nullptr;
  std::string name_;
  std::atomic<int> count_ = 0;
  at::CallbackHandle handle_ =
      (now_ = this,
       at::addGlobalCallback(at::RecordFunctionCallback([](const at::RecordFunction& f)
                                                            -> std::unique_ptr<at::ObserverContext> {
                               if (now_->name_ == f.name()) ++now_->count_;
                               return nullptr;
                             }).scopes({at::RecordScope::FUNCTION})));
};

template <class Layer, class Wrap, class Checkpoint>
auto trainer_of(comm::Mpi& comm) {
  return Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap, Checkpoint>::template make<Two<Layer>>(
      comm, optim::AdamW{.learning_rate = 1e-2});
}

// One forward of both layers makes so many products, and the second one in each step as many as in `again`.
template <class Layer, class Wrap = wrap::Each<Layer>>
void check_products(int products, const std::vector<int>& again, auto&& before_step) {
  comm::Mpi comm;
  auto keeps = trainer_of<Layer, Wrap, checkpoint::None>(comm);
  auto repeats = trainer_of<Layer, Wrap, checkpoint::Recompute>(comm);
  const Tensor x = at::linspace(-1, 1, 32).view({4, 8}), y = x.flip(0);
  for (size_t step = 0; step < again.size(); ++step) {
    before_step(step, keeps.model());
    before_step(step, repeats.model());
    const double due = keeps.step(x, y).loss;
    const Calls calls("aten::linear");
    CHECK(repeats.step(x, y).loss == due);
    CHECK(calls.count() == products + again[step]);
  }
  const auto due = keeps.full_parameters(), got = repeats.full_parameters();
  for (size_t i = 0; i < due.size(); ++i) CHECK(got[i].value.equal(due[i].value));
}
template <class Layer, class Wrap = wrap::Each<Layer>>
void check_products(int products, const std::vector<int>& again) {
  check_products<Layer, Wrap>(products, again, [](size_t, auto&) {});
}

TEST_CASE("a second forward leaves out the product at its end that no backward reads") {
  check_products<Ends>(4, {4, 2, 2});
  check_products<EndsInSum>(4, {4, 2, 2});
  check_products<Branches>(4, {4, 2, 2});
  check_products<Curves>(2, {2, 2, 2});
  check_products<ReadsDetached>(2, {2, 1, 1});  // the first layer's x has no gradient that would read it
  check_products<Ends, wrap::Each<Product>>(4, {4, 4, 4});  // which are not the layer's own
}

TEST_CASE("and makes it after all where a step reads it") {
  check_products<Changes>(2, {2, 0, 2, 2, 0, 2}, [](size_t step, auto& model) {
    for (Changes& layer : model.layers) layer.curves = step == 2 || step == 5;
  });
}

TEST_CASE("a second forward takes attention from the first") {
  comm::Mpi comm;
  const Calls calls("aten::_scaled_dot_product_flash_attention_for_cpu");
  const Tensor ids = at::arange(16).view({2, 8});
  const auto step = [&]<class Model>(Model model) {
    auto trainer = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<typename Model::Block>,
                           checkpoint::Recompute>::make(std::move(model), comm, optim::AdamW{});
    trainer.step(ids, ids);
  };
  step(models::Gpt<models::GptShape{.vocabulary = 16, .context = 8, .layers = 3, .heads = 2, .dim = 8}>());
  CHECK(calls.count() == 3);
  step(models::Llama<models::LlamaShape{
           .vocabulary = 16, .layers = 2, .dim = 16, .heads = 4, .kv_heads = 2, .ffn = 32}>());
  CHECK(calls.count() == 3 + 2);
}

}  // namespace
}  // namespace ashlar
