// processes: 1 2
// Every collective is waited for before its result is read. Mpi's are over when the call returns, which
// hides a wait that is missing; those of Late happen in wait().
#include <array>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <boost/hana/define_struct.hpp>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

#include "support/catch.hpp"
#include "support/full_parameters.hpp"

namespace ashlar {
namespace {

// All ranks wait for the same collectives in the same order, as the schedule says.
class Late {
 public:
  static constexpr std::string_view name = "Late";

  class [[nodiscard]] Work {
   public:
    Work() = default;
    explicit Work(std::function<void()> act) : act_(std::move(act)) {}
    void wait() {
      if (act_) std::exchange(act_, nullptr)();
    }

   private:
    std::function<void()> act_;
  };

  explicit Late(comm::Mpi& inner) : inner_(inner) {}
  int rank() const { return inner_.rank(); }
  int size() const { return inner_.size(); }
  void barrier() { inner_.barrier(); }

  Work all_gather(const Tensor& whole, const Tensor& part) {
    return Work([this, whole, part] { inner_.all_gather(whole, part).wait(); });
  }
  Work reduce_scatter(const Tensor& part, const Tensor& whole) {
    return Work([this, part, whole] { inner_.reduce_scatter(part, whole).wait(); });
  }
  Work all_reduce(const Tensor& tensor) {
    return Work([this, tensor] { inner_.all_reduce(tensor).wait(); });
  }
  Work broadcast(const Tensor& tensor, int root) {
    return Work([this, tensor, root] { inner_.broadcast(tensor, root).wait(); });
  }

 private:
  comm::Mpi& inner_;
};
static_assert(trainer_communicator<Late> && has_reduce_scatter<Late>);

struct Layer {
  using Inner = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(Layer, (Inner, inner));
  Tensor forward(auto& run, const Tensor& x) const { return x + at::tanh(run(inner, x)); }  // (R, 6) -> same
};
struct Net {
  using Layers = std::array<Layer, 3>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers), (Head, head));
  Tensor loss(auto& run, Tensor x, const Tensor& y) const {
    for (const Layer& layer : layers) x = run(layer, x);
    return at::mse_loss(run(head, x).to(at::kFloat), y);
  }
};

// Five steps of two micro-batches; the reports' numbers, and an evaluation after them.
template <class Shard, class Comm>
std::pair<std::vector<double>, std::vector<FullParameter>> train(Comm& comm) {
  using Strategy = Trainer<Shard, precision::Bf16Mixed, offload::None, wrap::Each<Layer>>;
  auto trainer =
      Strategy::template make<Net>(comm, optim::AdamW{.learning_rate = 1e-2}, {.micro_batches = 2});
  const Tensor x = (at::arange(24, at::kFloat).view({4, 6}) + 5.0 * comm.rank()).sin(),
               y = x.sum(1, true).cos();
  std::vector<double> numbers;
  for (int i = 0; i < 5; ++i) {
    const Report report = trainer.step(x, y);
    numbers.insert(numbers.end(), {report.loss, report.gradient_norm});
  }
  numbers.push_back(trainer.evaluate(x, y));
  return {numbers, trainer.full_parameters()};
}

TEMPLATE_TEST_CASE("collectives that end in wait() make the same numbers, bit for bit", "", shard::Replicate,
                   shard::Zero2, shard::Zero3) {
  comm::Mpi comm;
  Late late(comm);
  const auto [due, parameters_due] = train<TestType>(comm);
  const auto [got, parameters] = train<TestType>(late);
  CHECK(got == due);
  test::check_equal(parameters, parameters_due);
}

}  // namespace
}  // namespace ashlar
