// Blame: where a loss or a gradient that is not finite came from.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <string>
#include <vector>

#include <ashlar/engine/eval_mode.hpp>
#include <ashlar/engine/flat.hpp>
#include <ashlar/engine/objective.hpp>
#include <ashlar/engine/watch.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {

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
  long gradient = Watch<Training>::none;
  for (size_t u = engine.units().size(); u-- > 0;) {
    const Flat& flat = engine.units()[u].trained;
    if (!flat.empty() && !all_finite(flat.part)) gradient = static_cast<long>(u);
  }
  auto& comm = trainer.communicator();
  Tensor own = at::tensor({watch.found(), gradient}, at::kLong).to(trainer.device());
  Tensor all = own.repeat({comm.size()});
  comm.all_gather(all, own).wait();
  const Tensor first = std::get<0>(all.cpu().view({comm.size(), 2}).min(0));
  const long module = first[0].item().toLong(), unit = first[1].item().toLong();
  auto quote = [](const Name& name) {
    return name.size > 0 ? "'" + std::string(name.view()) + "'" : "the root";
  };
  std::string where = "the objective itself";
  if (module != Watch<Training>::none)
    where = "the output of " + quote(modules[static_cast<size_t>(module)].name);
  else if (std::isfinite(report.loss) && unit != Watch<Training>::none)
    where = "the gradient of unit " + quote(engine.units()[static_cast<size_t>(unit)].name);
  throw Error(
      "train.2", "a finite loss and gradient at step " + std::to_string(report.step),
      "loss " + std::to_string(report.loss) + " and gradient norm " + std::to_string(report.gradient_norm) +
          ", first not finite in " + where,
      "lower the learning rate or set Recipe::clip_norm; the parameters are those of the step before");
}

}  // namespace ashlar
