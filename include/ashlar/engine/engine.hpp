// Engine: does what the schedule says, for the units of one model on one rank.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include <ashlar/engine/flat.hpp>
#include <ashlar/engine/recorder.hpp>
#include <ashlar/engine/split.hpp>
#include <ashlar/engine/worker.hpp>
#include <ashlar/error.hpp>
#include <ashlar/plan/units.hpp>

namespace ashlar {

template <class Shard, class Precision, class Comm, memory rests = memory::device>
class Engine {
  using Work = typename Comm::Work;

 public:
  struct Unit {
    Name name;
    Flat trained, frozen;
    bool whole = !shards_parameters<Shard>;
    std::array<Work, 2> gathering{};  // trained, frozen
    Copy down{}, up{};  // part to due, and master to the device, where the optimizer rests on the host

    std::array<Flat*, 2> flats() { return {&trained, &frozen}; }
  };

  Engine(Comm& comm, c10::Device device, const Census& census, int states) : comm_(comm), copies_(device) {
    const std::vector<UnitLayout> layouts = lay_out(census, comm.size());
    for (const UnitLayout& unit : layouts)
      units_.push_back({unit.name,
                        make_flat<Shard, Precision, rests>(unit.trained, comm.rank(), device, true, states),
                        make_flat<Shard, Precision, rests>(unit.frozen, comm.rank(), device, false, states)});
    training_ = make_schedule<Shard>(census, layouts, true);
    evaluation_ = make_schedule<Shard>(census, layouts, false);
    if constexpr (shards_parameters<Shard>)
      slots_ =
          gather_memory(std::max(training_.slots, evaluation_.slots) * bytes(Precision::compute), device);
    if constexpr (shards_gradients<Shard>)
      gradient_slots_ = memory_of(training_.gradient_slots * bytes(Precision::reduce), device);
  }

  // Memory goes when nothing is copied from it or to it. While an exception unwinds, gradients may wait for a
  // rank that is lost.
  ~Engine() {
    try {
      updates_.finish();
    } catch (...) {  // nobody is left who could be told
    }
    try {
      for (const Unit& unit : units_) {
        unit.up.wait();
        if (std::uncaught_exceptions() == 0) unit.down.wait();
      }
    } catch (...) {  // the device has failed, and whoever used it was told
    }
  }

  std::vector<Unit>& units() { return units_; }
  const Schedule& schedule() const { return training_; }

  // Starts micro-batch `index` of `count`, or an evaluation, and makes the root whole.
  void begin_training(int index, int count) {
    abandon();
    first_ = index == 0;
    last_ = index + 1 == count;
    gathers_ = first_ || Shard::reshard_after == pass::forward;
    if (first_) {
      forget_parts();
      for (Unit& unit : units_) unit.trained.forget_gradients();  // of a backward between steps
    }
    begin(training_);
  }
  void begin_evaluation() {
    abandon();
    gathers_ = last_ = true;
    begin(evaluation_);
  }

  // A unit's forward, first or second, is about to read its parameters.
  void enter(int unit) {
    require_whole(unit);
    computes(unit, backward_ ? "forward again" : "forward");
  }

  // A unit's forward is over.
  void after_forward(int unit) {
    computed();
    if (!backward_ && !now_->stays[static_cast<size_t>(unit)]) advance({Event::Kind::leave, unit});
  }

  // All forwards are over: what was skipped is made up for. Throws train.20 if a parameter has a gradient.
  void begin_backward() {
    for (Unit& unit : units_) {
      if (const Name* early = unit.trained.forget_gradients())
        throw Error("train.20",
                    "one backward a micro-batch, which step() runs from what the objective returns",
                    "an objective that gave '" + std::string(early->view()) + "' a gradient itself",
                    "return the sum of all losses and call no backward() on one, or take a gradient by "
                    "torch::autograd::grad()");
      if constexpr (!shards_gradients<Shard>) unit.trained.begin_gradient(first_);
    }
    while (cursor_ < now_->forward) happen();
    computed();
    backward_ = true;
    before_backward(0);
  }

  // Whether the backward of a micro-batch runs.
  bool in_backward() const { return now_ != nullptr && backward_; }

  void before_backward(int unit) {
    require_whole(unit);
    advance({Event::Kind::lend, unit});
    computes(unit, "backward");
  }
  void after_backward(int unit) {
    computed();
    advance({Event::Kind::leave, unit});
  }

  // What this rank computes until computed(): of a unit, or of a layer that is none (-1).
  void computes(int unit, std::string_view doing) {
    computes(Recorder::Lane::compute, unit < 0 ? Name("layer") : at(unit).name, doing);
  }
  void computes(Recorder::Lane lane, const Name& unit, std::string_view doing) {
    if (recorder_ != nullptr) recorder_->begin(lane, unit, doing);
  }
  void computed() {
    if (recorder_ != nullptr) recorder_->end();
  }

  // The Work that start() returns: a collective on `tensor`, for a unit.
  template <class Start>
  Work send(Recorder::Lane lane, const Name& unit, std::string_view verb, const Tensor& tensor,
            Start&& start) {
    if (recorder_ == nullptr) return start();
    return recorder_->collective(lane, unit, verb, tensor.nbytes(), start);
  }
  void await(Work& work) {
    if (recorder_ != nullptr)
      recorder_->wait(work);
    else
      work.wait();
  }

  // Who records what happens from now on; null for nobody.
  void record(Recorder* recorder) { recorder_ = recorder; }

  // Makes up for what was skipped, and calls reduced(i) for each unit i whose gradient's reduction it has
  // waited for: at first for those that others need not wait for.
  void finish(auto&& reduced) {
    run_out();
    std::vector<bool> under_way(units_.size());
    for (const Reduction& reduction : reducing_) under_way[static_cast<size_t>(reduction.unit)] = true;
    for (size_t i = 0; i < units_.size(); ++i)
      if (!under_way[i] && !units_[i].trained.empty()) reduced(i);
    while (!reducing_.empty()) {
      const auto unit = static_cast<size_t>(reducing_.front().unit);
      settle_until(reducing_.size() - 1);
      reduced(unit);
    }
    if (const Name* late = forget_late_gradients())
      throw Error("model.18", "a parameter to be read in the forward of its own unit",
                  "'" + std::string(late->view()) + "' read outside of it and before, its gradient too late",
                  "leave the type of its unit out of Wrap, or read it there");
  }
  void finish() {
    finish([](size_t) {});
  }

  // Takes back the memory of sharded parts, which the next step would take back when it begins.
  void forget_parts() {
    if constexpr (shards_gradients<Shard>)
      for (Unit& unit : units_) {
        unit.down.block();
        unit.trained.part.reset();
      }
  }

  // What the optimizer reads of a gradient, where it rests.
  static const Tensor& due(const Flat& flat) { return rests == memory::host ? flat.due : flat.part; }

  // What the optimizer updated, in the type that computes and where it rests; undefined where that is the
  // master itself.
  static Tensor rounded(const Flat& flat) {
    if constexpr (Precision::master == Precision::compute)
      return {};
    else
      return rests == memory::host ? flat.copy : on_device(flat);
  }

  // What is kept of a master, where it is not the parameters themselves: all of it, or the rest.
  static const Tensor& kept(const Flat& flat) { return splits_master<Precision> ? flat.rest : flat.master; }

  // What the optimizer updates and round() takes.
  static Tensor master(const Flat& flat) {
    if constexpr (splits_master<Precision>)
      return join({rounded(flat), flat.rest});
    else
      return flat.master;
  }

  // Rounds what the optimizer updated of a flat to the type that computes.
  static void round(const Flat& flat, const Tensor& master) {
    const Tensor target = rounded(flat);
    if (!target.defined()) return;
    if constexpr (splits_master<Precision>) {
      const auto [compute, rest] = split(master);
      target.copy_(compute);
      flat.rest.copy_(rest);
    } else {
      target.copy_(master);
    }
  }

  // Updates the units by update(flat), in the order in which forward needs them, and every rank gets what
  // each updated. An optimizer that rests on the host does so on a thread of its own; where parameters are
  // sharded it is not waited for here but before a unit is gathered.
  template <class Update>
  void update(Update update) {
    if constexpr (rests == memory::host) {
      copies_.follow();
      updates_.start(units_.size(), [this, update](size_t i) {
        Unit& unit = units_[i];
        if (unit.trained.empty()) return;
        unit.down.wait();
        update(unit.trained);
        unit.up = copies_.start(on_device(unit.trained), unit.trained.copy);
      });
      if (shards_parameters<Shard> && recorder_ == nullptr) return;
    }
    for (Unit& unit : units_) {
      if (unit.trained.empty()) continue;
      computes(Recorder::Lane::optimizer, unit.name, "update");
      if constexpr (rests == memory::host)
        await_update(unit);
      else
        update(unit.trained);
      computed();
    }
    publish();
  }

  // Returns when nothing is updated any more.
  void finish_updates() {
    updates_.finish();
    for (const Unit& unit : units_) unit.up.wait();
  }

  // Every rank gets the parameters that each rank updated and rounded.
  void publish() {
    std::vector<Work> works;
    if constexpr (shards_optimizer<Shard> && !shards_parameters<Shard>)
      for (Unit& unit : units_)
        if (!unit.trained.empty())
          works.push_back(send(Recorder::Lane::gathers, unit.name, "publish", unit.trained.whole, [&] {
            return Shard::publish(unit.trained.whole, unit.trained.shard, comm_);
          }));
    for (Work& work : works) await(work);
  }

  // The same after values were written into masters.
  void publish_masters() {
    update([](const Flat& flat) {
      if constexpr (!splits_master<Precision>) round(flat, flat.master);
    });
  }

 private:
  // Of a gradient, which its slot holds until then.
  struct Reduction {
    int unit;
    Work work;
  };

  static Tensor memory_of(long bytes, c10::Device device) {
    return zeros((bytes + 3) / 4, dtype::f32, device);
  }

  Tensor gather_memory(long bytes, c10::Device device) {
    if constexpr (has_gather_memory<Comm>)
      return comm_.gather_memory(bytes);
    else
      return memory_of(bytes, device);
  }

  // What of a flat this rank updates, on the device.
  static const Tensor& on_device(const Flat& flat) {
    return shards_optimizer<Shard> ? flat.shard : flat.whole;
  }

  // The caller's current stream waits for a unit's update.
  void await_update(const Unit& unit) {
    if (unit.trained.empty()) return;
    updates_.wait_for(static_cast<size_t>(&unit - units_.data()));
    unit.up.block();
  }

  // A unit's gradient starts for where the optimizer rests. Before, that has read the last one.
  void bring_down(Unit& unit) {
    await_update(unit);
    copies_.follow();
    unit.down = copies_.start(unit.trained.due, unit.trained.part);
  }

  Unit& at(int unit) { return units_[static_cast<size_t>(unit)]; }

  // After an exception: ends what was begun, under the flags that it was begun with, so that nothing is under
  // way, nothing is whole, and what autograd has left in the leaves is gone.
  void abandon() {
    if (now_ == nullptr) return;
    backward_ = true;
    last_ = true;
    run_out();
    settle_until(0);
    forget_late_gradients();
  }

  void run_out() {
    while (cursor_ < now_->events.size()) happen();
  }

  // The name of the first parameter whose gradient came after its unit's was reduced; null without one.
  const Name* forget_late_gradients() {
    const Name* late = nullptr;
    if (now_ == &training_)
      for (Unit& unit : units_) {
        const Name* own = unit.trained.forget_gradients();
        if (late == nullptr) late = own;
      }
    now_ = nullptr;
    return late;
  }

  void begin(const Schedule& schedule) {
    now_ = &schedule;
    cursor_ = started_ = 0;
    backward_ = false;
    enter(0);
  }

  void require_whole(int unit) {
    if constexpr (shards_parameters<Shard>)
      if (!at(unit).whole) advance({Event::Kind::enter, unit});
  }

  // Lets everything up to and including `event` happen.
  void advance(const Event& event) {
    size_t found = cursor_;
    while (found < now_->events.size() && now_->events[found] != event) ++found;
    if (found == now_->events.size())
      throw Error("schedule.1",
                  "every unit to run once a micro-batch, in the order in which the model declares them",
                  "'" + std::string(at(event.unit).name.view()) + "' again or out of order",
                  "declare children in the order of forward, and leave a module that runs twice out of Wrap");
    while (cursor_ <= found) happen();
  }

  void happen() {
    if constexpr (rests == memory::host && shards_parameters<Shard>) await_updates();
    const Event event = now_->events[cursor_++];
    switch (event.kind) {
      case Event::Kind::enter:
        return make_whole(event.unit);
      case Event::Kind::leave:
        return give_back(event.unit);
      case Event::Kind::lend:
        return lend_gradient(event.unit);
      case Event::Kind::reduce:
        return reduce(event.unit);
    }
  }

  void make_whole(int index) {
    if constexpr (shards_parameters<Shard>) {
      Unit& unit = at(index);
      if (gathers_)
        while (started_ < now_->gathers.size() && now_->gathers[started_].event < cursor_)
          start(now_->gathers[started_++]);
      for (Work& work : unit.gathering) await(work);
      for (Flat* flat : unit.flats()) flat->unseal();
      unit.whole = true;
    }
  }

  // Before the next event: of what is gathered at it. If one has failed, the event is still to happen.
  void await_updates() {
    if (gathers_)
      for (size_t g = started_; g < now_->gathers.size() && now_->gathers[g].event <= cursor_; ++g)
        await_update(at(now_->gathers[g].unit));
  }

  void start(const Gather& gather) {
    Unit& unit = at(gather.unit);
    long offset = gather.slot * bytes(Precision::compute);
    for (size_t i = 0; i < 2; ++i) {
      Flat& flat = *unit.flats()[i];
      if (flat.empty()) continue;
      lend(flat.whole, slots_, offset);
      offset += flat.layout.numel * bytes(Precision::compute);
      unit.gathering[i] = send(Recorder::Lane::gathers, unit.name, "unshard", flat.whole,
                               [&] { return Shard::unshard(flat.whole, flat.shard, comm_); });
    }
  }

  void give_back(int index) {
    if constexpr (shards_parameters<Shard>) {
      if (Shard::reshard_after == pass::backward && !last_) return;
      Unit& unit = at(index);
      for (Flat* flat : unit.flats()) {
        flat->seal();
        if (!flat->empty()) take_back(flat->whole);
      }
      unit.whole = false;
    }
  }

  void lend_gradient(int index) {
    if constexpr (shards_gradients<Shard>) {
      Flat& flat = at(index).trained;
      if (flat.empty()) return;
      settle_until(1);
      lend(flat.grad, gradient_slots_,
           now_->gradient_slot[static_cast<size_t>(index)] * bytes(Precision::reduce));
      flat.zero_padding();
      flat.begin_gradient(true);
    }
  }

  void reduce(int index) {
    Flat& flat = at(index).trained;
    if (flat.empty()) return;
    flat.collect_gradient();
    if constexpr (shards_gradients<Shard>) {
      if (first_) flat.part = empty(flat.layout.shard, Precision::reduce, flat.grad.device());
      Tensor own = flat.grad.narrow(0, flat.master_begin, flat.layout.shard);
      reducing_.push_back({index, reduce(at(index).name, first_ ? flat.part : own, flat.grad)});
    } else if (last_) {
      reducing_.push_back({index, reduce(at(index).name, flat.part, flat.grad)});
    }
  }

  Work reduce(const Name& unit, Tensor& part, Tensor& grad) {
    return send(Recorder::Lane::sums, unit, "reduce", grad, [&] { return Shard::reduce(part, grad, comm_); });
  }

  // Waits for all reductions but the last `count`, and of the last micro-batch brings down what they made. A
  // gradient's slot is free again once it is reduced and, after the first micro-batch, added to the others'.
  void settle_until(size_t count) {
    for (; reducing_.size() > count; reducing_.pop_front()) {
      await(reducing_.front().work);
      if constexpr (shards_gradients<Shard>) {
        Flat& flat = at(reducing_.front().unit).trained;
        if (!first_) flat.part.add_(flat.grad.narrow(0, flat.master_begin, flat.layout.shard));
        take_back(flat.grad);
      }
      if constexpr (rests == memory::host)
        if (last_) bring_down(at(reducing_.front().unit));
    }
  }

  Comm& comm_;
  Copies copies_;
  std::vector<Unit> units_;
  Schedule training_, evaluation_;
  Tensor slots_, gradient_slots_;   // the memory that is lent
  std::deque<Reduction> reducing_;  // that are under way, in the order in which they started

  const Schedule* now_ = nullptr;
  size_t cursor_ = 0;   // events that happened
  size_t started_ = 0;  // gathers started
  bool first_ = true, last_ = true, gathers_ = true, backward_ = false;
  Recorder* recorder_ = nullptr;
  Worker updates_;  // of the units, by the host
};

}  // namespace ashlar
