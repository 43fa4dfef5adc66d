// Parity: a strategy trains as the plain loop does, sends what its plan says, and keeps what its plan says.
//
// What is compared. In one process, in Fp32: bit for bit. Otherwise the ranks' partial sums are added up in
// another order than a sum over the whole batch, which moves a float32 loss by some 1e-7 of itself. AdamW
// divides a gradient by its own size, noise included, so its epsilon is 1e-3 here: then noise of 1e-8 moves a
// weight by 1e-7 of the learning rate's size, and six steps stay below 1e-5, or twice what the plain loop is
// from itself when it takes each rank's rows by themselves. In bfloat16 the type's own noise is larger than
// that of any order, and it is measured: that, and how far the plain loop in bfloat16 is from the one in
// float32. (One alone may be small by chance: products in bfloat16 round as the CPU's instructions do.) Two
// runs in bfloat16 are at most twice as far from one another while gradients are reduced in float32; reduced
// in bfloat16, each addition of a rank's gradient rounds and is a further source of it.
#pragma once

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/recorded.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/state/training.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "parity/rows.hpp"
#include "support/reference.hpp"
#include "support/shared_directory.hpp"
#include "support/world.hpp"

namespace ashlar::test {

inline constexpr int steps = 6;
inline constexpr long rows = 8, tokens = 12;  // of the global batch

template <class Model>
inline constexpr long vocabulary =
    std::is_same_v<Model, SmallGpt> ? small_gpt.vocabulary : small_llama.vocabulary;

template <class Model>
Tensor global_ids(int step) {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(static_cast<std::uint64_t>(step) + 1);
  return at::randint(vocabulary<Model>, {rows, tokens + 1}, generator, at::kLong);  // (rows, tokens + 1)
}

// Rows [first, first + count) of a step's batch, as inputs and targets.
inline std::pair<Tensor, Tensor> cut(const Tensor& ids, long first, long count) {
  const Tensor part = ids.narrow(0, first, count);
  return {part.narrow(1, 0, tokens).contiguous(), part.narrow(1, 1, tokens).contiguous()};
}

struct Trained {
  std::vector<double> losses;
  std::vector<FullParameter> parameters;
};

template <class Comm>
void check_sent(const Plan& plan, const Comm& comm) {
  std::vector<std::pair<Collective, long>> planned, sent;
  for (const Transfer& transfer : plan.step) planned.emplace_back(transfer.kind, transfer.bytes);
  for (const comm::Call& call : comm.calls()) sent.emplace_back(call.kind, call.bytes);
  CHECK((sent == planned));
}

// Bytes of the different storages behind tensors.
inline long bytes_of(const std::vector<Tensor>& tensors) {
  std::set<const void*> met;
  long sum = 0;
  for (const Tensor& tensor : tensors)
    if (tensor.defined() && tensor.numel() > 0 && tensor.storage().data() != nullptr &&
        met.insert(tensor.storage().data()).second)
      sum += static_cast<long>(tensor.storage().nbytes());
  return sum;
}

inline void check_held(const Plan& plan, const std::vector<const Flat*>& flats) {
  std::vector<Tensor> parameters, gradients, states;
  for (const Flat* flat : flats) {
    parameters.insert(parameters.end(), {flat->whole, flat->shard});
    gradients.insert(gradients.end(), {flat->grad, flat->part});
    states.insert(states.end(), {flat->master, flat->rest, flat->due, flat->copy});
    states.insert(states.end(), flat->states.begin(), flat->states.end());
  }
  CHECK(bytes_of(parameters) == plan.parameters);
  CHECK(bytes_of(gradients) == plan.gradients);
  // Master weights that are the parameters themselves are not kept twice.
  states.insert(states.end(), parameters.begin(), parameters.end());
  CHECK(bytes_of(states) - bytes_of(parameters) == plan.optimizer + plan.host);
}

inline const optim::AdamW adamw{.learning_rate = 1e-2, .epsilon = 1e-3, .weight_decay = 0.1};

// What happens halfway through a run: nothing, or another trainer goes on from what the first one has saved.
struct GoesOn {
  void operator()(auto&, const auto&) const {}
};
struct Resumes {
  bool resumes;
  void operator()(auto& trainer, const auto& make) const {
    if (!resumes) return;
    const SharedDirectory directory(world());
    state::save(directory, *trainer);
    trainer.reset(new auto(make()));
    state::resume(directory, *trainer);
  }
};

template <class Strategy, class Model>
Trained train(const Recipe& recipe, const auto& halfway) {
  comm::Recorded<World&> comm(world());
  const auto make = [&] { return Strategy::template make<Model>(comm, adamw, recipe); };
  std::unique_ptr<decltype(make())> trainer(new auto(make()));
  const long share = rows / world().size();
  Trained trained;
  for (int step = 0; step < steps; ++step) {
    if (step == steps / 2) halfway(trainer, make);
    const auto [inputs, targets] = cut(global_ids<Model>(step), world().rank() * share, share);
    comm.clear();
    trained.losses.push_back(trainer->step(inputs, targets).loss);
    check_sent(trainer->plan(), comm);
  }
  CHECK((trainer->plan().step ==
         plan<Strategy, Model>(ashlar::world{world().size()}, recipe.micro_batches).step));
  std::vector<const Flat*> flats;
  for (auto& unit : trainer->engine().units()) flats.insert(flats.end(), {&unit.trained, &unit.frozen});
  check_held(trainer->plan(), flats);
  trained.parameters = trainer->full_parameters();
  return trained;
}
template <class Strategy, class Model>
Trained train(const Recipe& recipe) {
  return train<Strategy, Model>(recipe, GoesOn());
}

template <class Precision, class Model>
Trained train_plainly(const Recipe& recipe, c10::Device device) {
  Reference<Precision, Model, optim::AdamW> reference(adamw, recipe, device);
  Trained trained;
  for (int step = 0; step < steps; ++step) {
    const Tensor ids = global_ids<Model>(step).to(device);
    trained.losses.push_back(reference.step([&](const auto& model, int i) {
      const long count = rows / recipe.micro_batches;
      const auto [inputs, targets] = cut(ids, i * count, count);
      return model.loss(inputs, targets);
    }));
  }
  for (std::size_t k = 0; k < reference.parameters().size(); ++k) {
    FullParameter& p = trained.parameters.emplace_back(
        FullParameter{reference.parameters()[k].name, reference.master(k).cpu(), {}});
    for (const Tensor& state : reference.states(k)) p.states.push_back(state.cpu());
  }
  return trained;
}

// The same for every strategy that is compared with it.
template <class Precision, class Model>
const Trained& trained_plainly(const Recipe& recipe, c10::Device device) {
  static std::map<std::string, Trained> by_recipe;
  const auto [found, is_new] = by_recipe.try_emplace(words(recipe, ""));
  if (is_new) found->second = train_plainly<Precision, Model>(recipe, device);
  return found->second;
}

struct Tolerance {
  double loss = 0, weight = 0, state = 0;  // 0: bit for bit
};

inline void check_close(const Tensor& a, const Tensor& b, double tolerance) {
  REQUIRE(a.sizes() == b.sizes());
  if (tolerance == 0)
    CHECK(a.equal(b));
  else
    CHECK((a - b).abs().max().item<double>() <= tolerance);
}

inline void compare(const Trained& a, const Trained& b, const Tolerance& tolerance) {
  REQUIRE(a.losses.size() == b.losses.size());
  for (std::size_t i = 0; i < a.losses.size(); ++i)
    CHECK(std::abs(a.losses[i] - b.losses[i]) <= tolerance.loss);
  REQUIRE(a.parameters.size() == b.parameters.size());
  for (std::size_t i = 0; i < a.parameters.size(); ++i) {
    INFO(a.parameters[i].name);
    CHECK(a.parameters[i].name == b.parameters[i].name);
    check_close(a.parameters[i].value, b.parameters[i].value, tolerance.weight);
    REQUIRE(a.parameters[i].states.size() == b.parameters[i].states.size());
    for (std::size_t k = 0; k < a.parameters[i].states.size(); ++k)
      check_close(a.parameters[i].states[k], b.parameters[i].states[k], tolerance.state);
  }
}

inline double distance(const Tensor& a, const Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// Against the plain loop. On a GPU even one process may differ: kernels choose their order of summation by
// shape.
template <class Precision, class Model>
Tolerance to_reference(const Trained& plain, const Recipe& recipe, c10::Device device) {
  constexpr bool float32 = Precision::compute == dtype::f32;
  if (float32 && device.is_cpu() && world().size() == 1) return {};
  const double factor = Precision::reduce == dtype::f32 ? 2 : 1 + world().size();
  Tolerance noise;
  if (float32) noise = device.is_cpu() ? Tolerance{2e-6, 1e-5, 1e-6} : Tolerance{1e-5, 5e-5, 5e-6};
  if (world().rank() == 0) {  // for all: every rank would run the same plain loops
    Recipe by_rank = recipe;
    by_rank.micro_batches *= world().size();
    std::vector<const Trained*> others{&trained_plainly<Precision, Model>(by_rank, device)};
    if constexpr (!float32) others.push_back(&trained_plainly<precision::Fp32, Model>(recipe, device));
    for (const Trained* other : others) {
      for (std::size_t i = 0; i < plain.losses.size(); ++i)
        noise.loss = std::max(noise.loss, factor * std::abs(plain.losses[i] - other->losses[i]));
      for (std::size_t i = 0; i < plain.parameters.size(); ++i) {
        const FullParameter &a = plain.parameters[i], &b = other->parameters[i];
        noise.weight = std::max(noise.weight, factor * distance(a.value, b.value));
        for (std::size_t k = 0; k < a.states.size(); ++k)
          noise.state = std::max(noise.state, factor * distance(a.states[k], b.states[k]));
      }
    }
    // The noise is well below what training does in these steps, or the comparison would say nothing.
    CHECK(noise.loss / factor < (float32 ? 1e-4 : 0.02));
    CHECK(noise.weight / factor < (float32 ? 1e-4 : 0.04));
  }
  const Tensor shared = at::tensor({noise.loss, noise.weight, noise.state}, at::kDouble).to(device);
  world().broadcast(shared, 0).wait();
  const Tensor agreed = shared.cpu();
  return {agreed[0].item<double>(), agreed[1].item<double>(), agreed[2].item<double>()};
}

// One strategy against the plain loop.
template <class Strategy, class Model>
Trained check_parity(const Recipe& recipe, const auto& halfway) {
  using Precision = typename Strategy::Precision;
  const c10::Device device = device_of(world());
  const Trained& plain = trained_plainly<Precision, Model>(recipe, device);
  const Tolerance near = to_reference<Precision, Model>(plain, recipe, device);
  Trained trained = train<Strategy, Model>(recipe, halfway);
  compare(trained, plain, near);
  return trained;
}

// The first row that was trained of those that make the same numbers.
template <class Precision, class Model, class Offload>
std::optional<Trained>& first_row() {
  static std::optional<Trained> first;
  return first;
}

// Row i against the plain loop and, with up to two ranks, bit for bit against the first row of its precision,
// model and optimizer's place: two addends commute, more do not. All but those first rows are saved and
// resumed halfway.
template <std::size_t i>
void check_row() {
  using Strategy = RowStrategy<i>;
  using Model = RowModel<i>;
  INFO("row " << i << ", " << (std::is_same_v<Model, SmallGpt> ? "Gpt, " : "Llama, ")
              << strategy_name(plan<Strategy, Model>(ashlar::world{1})));
  auto& first = first_row<typename Strategy::Precision, Model, typename Strategy::Offload>();
  const Trained trained = check_parity<Strategy, Model>({.seed = 7}, Resumes{first.has_value()});
  if (!first) {
    first = trained;
  } else if (world().size() <= 2) {
    INFO("against the first row of its precision");
    compare(trained, *first, {});
  }
}

// Every `step`th row from `begin` on.
template <std::size_t begin, std::size_t step>
void check_rows() {
  [&]<std::size_t... k>(std::index_sequence<k...>) {
    (check_row<begin + k * step>(), ...);
  }(std::make_index_sequence<(row_count - begin + step - 1) / step>());
}

}  // namespace ashlar::test
