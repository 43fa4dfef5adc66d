// Engine: does what the schedule says, for the units of one model on one rank.
#pragma once

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <ashlar/engine/flat.hpp>
#include <ashlar/engine/recorder.hpp>
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

    std::array<Flat*, 2> flats() { return {&trained, &frozen}; }
  };

  Engine(Comm& comm, c10::Device device, const Census& census, int states) : comm_(comm) {
    const std::vector<UnitLayout> layouts = lay_out(census, comm.size());
    for (const UnitLayout& unit : layouts)
      units_.push_back({unit.name,
                        make_flat<Shard, Precision, rests>(unit.trained, comm.rank(), device, true, states),
                        make_flat<Shard, Precision, rests>(unit.frozen, comm.rank(), device, false, states)});
    training_ = make_schedule(census, layouts, Shard::reshard_after, true);
    evaluation_ = make_schedule(census, layouts, Shard::reshard_after, false);
    if constexpr (shards_parameters<Shard>) {
      std::vector<long> slots = training_.slots;
      slots.resize(std::max(slots.size(), evaluation_.slots.size()));
      for (size_t i = 0; i < evaluation_.slots.size(); ++i)
        slots[i] = std::max(slots[i], evaluation_.slots[i]);
      for (const long numel : slots) slots_.push_back(bytes_of(numel, Precision::compute, device));
    }
    if constexpr (shards_gradients<Shard>)
      for (const long numel : training_.gradient_slots)
        gradient_slots_.push_back({bytes_of(numel, Precision::reduce, device), {}, nullptr});
  }

  std::vector<Unit>& units() { return units_; }
  const Schedule& schedule() const { return training_; }

  // Starts micro-batch `index` of `count`, or an evaluation, and makes the root whole.
  void begin_training(int index, int count) {
    abandon();
    first_ = index == 0;
    last_ = index + 1 == count;
    gathers_ = first_ || Shard::reshard_after == pass::forward;
    if constexpr (!shards_gradients<Shard>)
      for (Unit& unit : units_) unit.trained.begin_gradient(first_);
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

  // All forwards are over: what was skipped is made up for.
  void begin_backward() {
    while (cursor_ < now_->forward) happen(now_->events[cursor_++]);
    computed();
    backward_ = true;
    before_backward(0);
  }

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

  // Makes up for what was skipped and waits for the reductions.
  void finish() {
    if (const Name* late = settle_all())
      throw Error("model.18", "a parameter to be read in the forward of its own unit",
                  "'" + std::string(late->view()) + "' read outside of it and before, its gradient too late",
                  "leave the type of its unit out of Wrap, or read it there");
  }

  // What the optimizer updated, in the type that computes and on the device; undefined where that is the
  // master itself.
  static Tensor rounded(const Flat& flat) {
    if constexpr (Precision::master == Precision::compute && rests == memory::device)
      return {};
    else
      return shards_optimizer<Shard> ? flat.shard : flat.whole;
  }

  // What the optimizer reads of the gradients, on its way to where that rests: for each unit with a gradient.
  std::vector<Fetch> fetch() {
    std::vector<Fetch> fetches;
    if constexpr (rests == memory::host)
      for (const Unit& unit : units_)
        if (!unit.trained.empty()) fetches.emplace_back(unit.trained.due, unit.trained.part);
    return fetches;
  }

  // Rounds what the optimizer updated of a flat to the type that computes, and sends it to the device.
  static void round(const Flat& flat) {
    const Tensor target = rounded(flat);
    if (!target.defined()) return;
    if constexpr (rests == memory::host) {
      if (!flat.copy.is_same(flat.master)) flat.copy.copy_(flat.master);
      target.copy_(flat.copy, /*non_blocking=*/true);
    } else {
      target.copy_(flat.master);
    }
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
    for (const Unit& unit : units_)
      if (!unit.trained.empty()) round(unit.trained);
    publish();
  }

 private:
  struct GradientSlot {
    Tensor bytes;
    Work reducing;  // the reduction that still reads the slot
    Flat* flat;     // whose gradient it holds; null when settled
  };

  static Tensor bytes_of(long numel, dtype type, c10::Device device) {
    return zeros((numel * bytes(type) + 3) / 4, dtype::f32, device);
  }

  Unit& at(int unit) { return units_[static_cast<size_t>(unit)]; }

  // After an exception: ends what was begun, under the flags that it was begun with, so that nothing is under
  // way, nothing is whole, and what autograd has left in the leaves is gone.
  void abandon() {
    if (now_ == nullptr) return;
    backward_ = true;
    last_ = true;
    settle_all();
  }

  // The name of the first parameter whose gradient came after its unit's was reduced; null without one.
  const Name* settle_all() {
    while (cursor_ < now_->events.size()) happen(now_->events[cursor_++]);
    for (GradientSlot& slot : gradient_slots_) settle(slot);
    for (Work& work : reducing_) await(work);
    reducing_.clear();
    const Name* late = nullptr;
    if (now_ == &training_)
      for (Unit& unit : units_) {
        const Name* own = unit.trained.forget_late_gradients();
        if (late == nullptr) late = own;
      }
    now_ = nullptr;
    return late;
  }

  void begin(const Schedule& schedule) {
    now_ = &schedule;
    cursor_ = entered_ = started_ = 0;
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
    while (cursor_ <= found) happen(now_->events[cursor_++]);
  }

  void happen(const Event& event) {
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
      ++entered_;
      if (gathers_)
        while (started_ < std::min(entered_ + 1, now_->gathers.size())) start(now_->gathers[started_++]);
      for (Work& work : unit.gathering) await(work);
      unit.whole = true;
    }
  }

  void start(const Gather& gather) {
    Unit& unit = at(gather.unit);
    long offset = 0;
    for (size_t i = 0; i < 2; ++i) {
      Flat& flat = *unit.flats()[i];
      if (flat.empty()) continue;
      lend(flat.whole, slots_[static_cast<size_t>(gather.slot)], offset);
      offset += flat.layout.numel * bytes(Precision::compute);
      unit.gathering[i] = send(Recorder::Lane::gathers, unit.name, "unshard", flat.whole,
                               [&] { return Shard::unshard(flat.whole, flat.shard, comm_); });
    }
  }

  void give_back(int index) {
    if constexpr (shards_parameters<Shard>) {
      if (Shard::reshard_after == pass::backward && !last_) return;
      Unit& unit = at(index);
      for (Flat* flat : unit.flats())
        if (!flat->empty()) take_back(flat->whole);
      unit.whole = false;
    }
  }

  void lend_gradient(int index) {
    if constexpr (shards_gradients<Shard>) {
      Flat& flat = at(index).trained;
      if (flat.empty()) return;
      GradientSlot& slot =
          gradient_slots_[static_cast<size_t>(now_->gradient_slot[static_cast<size_t>(index)])];
      settle(slot);
      lend(flat.grad, slot.bytes, 0);
      flat.zero_padding();
      flat.begin_gradient(true);
    }
  }

  void reduce(int index) {
    Flat& flat = at(index).trained;
    if (flat.empty()) return;
    flat.collect_gradient();
    if constexpr (shards_gradients<Shard>) {
      GradientSlot& slot =
          gradient_slots_[static_cast<size_t>(now_->gradient_slot[static_cast<size_t>(index)])];
      Tensor own = flat.grad.narrow(0, flat.master_begin, flat.layout.shard);
      slot.reducing = reduce(at(index).name, first_ ? flat.part : own, flat.grad);
      slot.flat = &flat;
    } else if (last_) {
      reducing_.push_back(reduce(at(index).name, flat.part, flat.grad));
    }
  }

  Work reduce(const Name& unit, Tensor& part, Tensor& grad) {
    return send(Recorder::Lane::sums, unit, "reduce", grad, [&] { return Shard::reduce(part, grad, comm_); });
  }

  // A gradient slot is free again once its reduction is done and, after the first micro-batch, added to the
  // others'.
  void settle(GradientSlot& slot) {
    if (slot.flat == nullptr) return;
    await(slot.reducing);
    Flat& flat = *slot.flat;
    if (!first_) flat.part.add_(flat.grad.narrow(0, flat.master_begin, flat.layout.shard));
    take_back(flat.grad);
    slot.flat = nullptr;
  }

  Comm& comm_;
  std::vector<Unit> units_;
  Schedule training_, evaluation_;
  std::vector<Tensor> slots_;  // each as large as the largest whole it is lent to
  std::vector<GradientSlot> gradient_slots_;
  std::vector<Work> reducing_;

  const Schedule* now_ = nullptr;
  size_t cursor_ = 0;   // events that happened
  size_t entered_ = 0;  // enters among them
  size_t started_ = 0;  // gathers started
  bool first_ = true, last_ = true, gathers_ = true, backward_ = false;
  Recorder* recorder_ = nullptr;
};

}  // namespace ashlar
