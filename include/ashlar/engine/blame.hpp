// Blame: where a loss or a gradient that is not finite came from.
#pragma once

#include <ATen/ops/tensor.h>

#include <vector>

#include <ashlar/engine/eval_mode.hpp>
#include <ashlar/engine/flat.hpp>
#include <ashlar/engine/objective.hpp>
#include <ashlar/engine/watch.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {

namespace detail {
// Throws train.2. `found`, by rank: the first of `modules` whose output is not finite and the first of
// `units` whose gradient is not, or Watch::none. (ranks, 2), int64. Buffers cannot be taken back: a forward
// has written into them, as BatchNorm does.
[[noreturn]] void blame(const Tensor& found, const std::vector<ModuleName>& modules,
                        const std::vector<Name>& units, const Report& report, bool has_buffers);
}  // namespace detail

// Throws train.2, naming the first module whose output, or the first unit whose gradient, is not finite on
// any rank. `Executor`: the trainer's Run. Collective; the gradients are those of the step reported on.
template <class Executor, class Training, class Objective>
[[noreturn]] void blame(Training& trainer, Objective& objective, const Report& report) {
  std::vector<ModuleName> modules;
  list_modules(trainer.model(), Name(), modules);
  Watch<Training> watch(trainer, modules);
  auto& engine = trainer.engine();
  without_gradients(trainer.model(), engine, [&] {
    for (int i = 0; i < trainer.recipe().micro_batches; ++i) {
      if (i > 0) engine.finish(), engine.begin_evaluation();
      value_of<Executor>(objective, watch, i);
    }
    return 0;
  });
  std::vector<Name> units;
  long gradient = Found::none;
  for (auto& unit : engine.units()) {
    const Flat& flat = unit.trained;
    if (gradient == Found::none && !flat.empty() && !all_finite(flat.part))
      gradient = static_cast<long>(units.size());
    units.push_back(unit.name);
  }
  bool has_buffers = false;
  for_each_tensor(trainer.model(),
                  [&](const Name&, auto&, Role role) { has_buffers |= role == Role::buffer; });
  auto& comm = trainer.communicator();
  const Tensor own = at::tensor({watch.found(), gradient}, at::kLong).to(trainer.device());
  Tensor all = own.repeat({comm.size()});
  comm.all_gather(all, own).wait();
  detail::blame(all.view({comm.size(), 2}), modules, units, report, has_buffers);
}

}  // namespace ashlar
