// Blame: where a loss or a gradient that is not finite came from.
#pragma once

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <vector>

#include <ashlar/engine/eval_mode.hpp>
#include <ashlar/engine/flat.hpp>
#include <ashlar/engine/objective.hpp>
#include <ashlar/engine/watch.hpp>
#include <ashlar/model/tensors.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {

namespace detail {
// Throws train.2. `found`, by rank: the first of `modules` whose output is not finite and the first of
// `units` whose gradient is not, or Found::none. (ranks, 2), int64. Buffers cannot be taken back: a forward
// has written into them, as BatchNorm does.
[[noreturn]] void blame(const Tensor& found, const std::vector<ModuleName>& modules,
                        const std::vector<Name>& units, const Report& report, bool has_buffers);
}  // namespace detail

// Throws train.2, naming the first module whose output, or the first unit whose gradient, is not finite on
// any rank. Collective; the gradients are those of the step reported on.
template <class Training, class Objective>
[[noreturn]] void blame(Training& trainer, Objective& objective, const Report& report) {
  std::vector<ModuleName> modules;
  list_modules(trainer.model(), Name(), modules);
  Found found(modules);
  const Watching watching(trainer.run(), found);
  auto& engine = trainer.engine();
  without_gradients(trainer.model(), engine, [&] {
    for (int i = 0; i < trainer.recipe().micro_batches; ++i) {
      if (i > 0) engine.finish(), engine.begin_evaluation();
      value_of(objective, trainer.run(), i);
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
  const bool has_buffers = std::ranges::any_of(
      list_tensors(trainer.model()), [](const ModelTensor& tensor) { return tensor.role == Role::buffer; });
  auto& comm = trainer.communicator();
  const Tensor own = at::tensor({found.number(), gradient}, at::kLong).to(trainer.device());
  Tensor all = own.repeat({comm.size()});
  comm.all_gather(all, own).wait();
  detail::blame(all.view({comm.size(), 2}), modules, units, report, has_buffers);
}

}  // namespace ashlar
