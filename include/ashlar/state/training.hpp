// save and resume of a Training. A resumed run is, bit for bit, the run that was not stopped: parameters,
// optimizer state, buffers and random state are copied back, and schedule and data position follow from the
// step.
//
//     state::save("runs/a", trainer);                       // every so often; the two latest are kept
//     if (again) state::resume("runs/a", trainer);          // into a trainer made as the saved one was
//     for (long step = trainer.steps(); step < total; ++step) trainer.step(...batches.at(step));
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <ashlar/comm/during.hpp>
#include <ashlar/engine/agree.hpp>
#include <ashlar/state/load.hpp>
#include <ashlar/state/save.hpp>
#include <ashlar/state/snapshot.hpp>
#include <ashlar/state/together.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar::state {

namespace detail {

// A snapshot's meta: the recipe in words, and the caller's own text.
std::string encode_meta(const std::string& recipe, const std::string& extra);
// The caller's text. [ashlar.state.6]: saved under another recipe.
std::string decode_meta(const std::string& meta, const std::string& recipe, const std::string& where);

template <class Trainer>
Snapshot snapshot_of(Trainer& trainer) {
  const Identity identity = trainer.identity();
  Snapshot snapshot{.tensors = {}, .meta = {}, .strategy = identity.strategy, .model = identity.model};
  trainer.for_each_saved([&](const std::string& name, const Tensor& tensor) {
    snapshot.tensors.push_back({name, tensor.detach()});
  });
  return snapshot;
}

}  // namespace detail

// Collective. `extra` is any text of the caller's, the same on every rank, that resume() gives back. Errors
// are save()'s; earlier checkpoints stay whole, and `keep` of them in all are kept.
template <class Trainer>
void save(const std::filesystem::path& directory, Trainer& trainer, const std::string& extra = {},
          int keep = 2) {
  const comm::During during(comm::Joint::save, trainer.communicator().size());
  Snapshot snapshot;
  together(trainer.communicator(), "have its parameters to save",
           [&] { snapshot = detail::snapshot_of(trainer); });
  snapshot.meta = detail::encode_meta(trainer.identity().recipe, extra);
  save(directory, trainer.steps(), snapshot, trainer.communicator(), keep);
}

// Collective. Puts the checkpoint of `step`, or the latest, into a trainer of the same strategy, model,
// optimizer, seed and world size; learning rate and schedule may be others. Returns `extra`. Errors are
// load()'s, and the trainer is as it was before; without any checkpoint it is [ashlar.state.3].
template <class Trainer>
std::string resume(const std::filesystem::path& directory, Trainer& trainer,
                   std::optional<std::int64_t> step = std::nullopt) {
  auto& comm = trainer.communicator();
  const comm::During during(comm::Joint::resume, comm.size());
  std::int64_t chosen = step.value_or(0);
  std::string extra;
  together(comm, "find a checkpoint", [&] {
    if (!step && comm.rank() == 0) chosen = detail::latest_or_throw(directory);
  });
  chosen = of_rank_0(comm, chosen);
  Snapshot snapshot;
  together(comm, "have its parameters to load into", [&] { snapshot = detail::snapshot_of(trainer); });
  together(comm, "find the recipe that it was made with", [&] {
    const Manifest manifest = read_manifest(directory, chosen);
    if (manifest.strategy != snapshot.strategy || manifest.model != snapshot.model) return;  // load() says so
    extra = detail::decode_meta(manifest.meta, trainer.identity().recipe,
                                (directory / step_name(chosen)).string());
  });
  load(directory, snapshot, comm, chosen);
  trainer.restored(chosen);
  return extra;
}

}  // namespace ashlar::state
