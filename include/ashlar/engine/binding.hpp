// Binding: lends a model's parameters their windows of the flats, and gives them their first values.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include <ashlar/engine/engine.hpp>
#include <ashlar/engine/intact.hpp>
#include <ashlar/engine/sharing.hpp>
#include <ashlar/model/init.hpp>
#include <ashlar/model/tensors.hpp>
#include <ashlar/tensor.hpp>

namespace torch::nn {
class Module;
}

namespace ashlar {

// One parameter: what the model calls it, and where it lies.
struct Place {
  std::string name;
  std::vector<int64_t> shape;
  int unit = 0;
  bool trained = true;
  size_t piece = 0;  // in the layout of the unit's trained or frozen flat
};

// The torch parameters whose bytes a trainer has moved into its flats, while it lives.
class Claims {
 public:
  Claims() = default;
  Claims(Claims&&) = default;
  Claims& operator=(Claims&&) = default;
  ~Claims();

  // [ashlar.model.17]: another trainer has it, or a parameter in the same memory, or had it and took its
  // bytes along.
  void add(const Tensor& parameter, const std::string& name);

  // [ashlar.model.40]: a module that is run has a parameter that autograd would train and that no trainer
  // has. Each module is looked into once.
  void require_declared(const torch::nn::Module& module);

 private:
  bool holds(const void* parameter) const;

  std::vector<const void*> claimed_;
  std::unordered_set<const void*> run_;
};

struct Binding {
  std::vector<Place> places;  // in order of declaration
  std::deque<Tensor> frozen;  // what frozen parameters point to: windows of whole
  std::vector<std::string> buffer_names;
  std::deque<Tensor> buffers;  // what declared buffers point to, and torch modules' own
  Claims claims;
  Intact intact;

  // The place of the next parameter.
  Place& add_place(const ParameterSite& site, std::vector<std::int64_t> shape);
  // A declared buffer's values.
  Tensor& add_buffer(const ModelTensor& buffer, std::uint64_t seed, c10::Device device);
  // Those that a torch module's buffer gets: in its memory if it `stays` there.
  void keep_buffer(const ModelTensor& buffer, const Tensor& values, bool stays);
  // Lends a parameter its window of `flat`.
  void lend(const ModelTensor& parameter, const Place& place, Flat& flat, Intact::Writes writes);

 private:
  std::vector<std::array<std::size_t, 2>> met_;  // pieces, by unit: trained and frozen
};

namespace detail {

// What all torch parameters of a model must share, met one after the other.
class TorchParameters {
 public:
  // [ashlar.model.5]: registered twice. [ashlar.model.13]: of several types in a unit, or of none that
  // floats. [ashlar.model.21]: made in InferenceMode.
  void meet(const Tensor& parameter, const Place& place);

 private:
  std::unordered_set<const void*> met_;
  std::vector<at::ScalarType> types_;  // by unit
};

// [ashlar.model.20]: a batch normalisation of LibTorch's that `device` cannot run with a weight of type
// `compute`, because its running statistics are of another. `module` and those below it.
void require_statistics(const torch::nn::Module& module, at::ScalarType compute, c10::Device device);

// What becomes of a change in place of a parameter's bytes.
template <class Shard, class Precision, memory rests>
constexpr Intact::Writes writes_to(bool trained) {
  if (shards_parameters<Shard>) return Intact::Writes::vanish;
  const bool is_master = Precision::master == Precision::compute && rests == memory::device;
  return is_master || !trained ? Intact::Writes::last : Intact::Writes::undone;
}

// A piece's elements, counted from its own first, of which `target`, that starts at element `begin` of whole,
// has part.
struct Overlap {
  long first = 0, count = 0;
};
Overlap overlap(const Tensor& target, long begin, const Piece& piece);

// The same of a flat's values at rest, which a sharded rank draws or reads by itself.
template <class Shard>
Overlap own_part(const Flat& flat, const Piece& piece) {
  return shards_parameters<Shard> ? overlap(flat.shard, flat.shard_begin, piece)
                                  : overlap(flat.whole, 0, piece);
}

// Writes `part`, 1D, float32 and laid out from element `first` of whole on, into a flat's whole and master.
template <class Shard, class Precision>
void write_values(Flat& flat, long first, const Tensor& part, bool trained) {
  const Tensor& target = shards_parameters<Shard> ? flat.shard : flat.whole;
  const long begin = shards_parameters<Shard> ? flat.shard_begin : 0;
  if constexpr (splits_master<Precision>)
    if (trained) {
      const auto [compute, rest] = split(part);
      copy_overlap(target, begin, compute, first);
      if (flat.copy.defined()) copy_overlap(flat.copy, flat.master_begin, compute, first);
      return copy_overlap(flat.rest, flat.master_begin, rest, first);
    }
  copy_overlap(target, begin, part, first);
  if (trained) copy_overlap(flat.master, flat.master_begin, part, first);
}

// `full`: a parameter's values, any shape.
template <class Shard, class Precision>
void write_parameter(Flat& flat, const Piece& piece, bool trained, const Tensor& full) {
  const Overlap own = own_part<Shard>(flat, piece);
  if (own.count > 0)
    write_values<Shard, Precision>(flat, piece.offset + own.first,
                                   full.flatten().narrow(0, own.first, own.count), trained);
}

// The first values of a declared parameter.
template <class Shard, class Precision>
void draw_parameter(Flat& flat, const Piece& piece, bool trained, nn::Init init, std::uint64_t seed,
                    c10::Device device) {
  const Overlap own = own_part<Shard>(flat, piece);
  if (own.count == 0) return;
  const Tensor part = zeros(own.count, dtype::f32, c10::Device(c10::kCPU));
  fill(part, init, seed, own.first);
  write_values<Shard, Precision>(flat, piece.offset + own.first, part.to(device), trained);
}

}  // namespace detail

// `tensors`: of the model. Collective where it has torch modules: their values are rank 0's.
template <class Shard, class Precision, class Comm, memory rests>
Binding bind(const std::vector<ModelTensor>& tensors, Engine<Shard, Precision, Comm, rests>& engine,
             const Census& census, Comm& comm, c10::Device device, std::uint64_t seed) {
  Binding binding;
  detail::TorchParameters torch_parameters;
  Sharing sharing;
  for (const ModelTensor& tensor : tensors)
    if (!tensor.declared()) sharing.meet(tensor.name, tensor.own, tensor.role != Role::buffer);
  sharing.check(device);
  for (const ModelTensor& tensor : tensors) {
    if (tensor.role == Role::buffer) {
      if (tensor.declared()) {
        *tensor.lent = &binding.add_buffer(tensor, seed, device);
      } else {
        Tensor values = tensor.own.detach().to(device).contiguous().clone();
        comm.broadcast(values, 0).wait();
        binding.keep_buffer(tensor, values, sharing.stays(tensor.own));
      }
      continue;
    }
    const ParameterSite& site = census.parameters[binding.places.size()];
    auto& unit = engine.units()[static_cast<size_t>(site.unit)];
    Flat& flat = site.trained ? unit.trained : unit.frozen;
    const Place& place = binding.add_place(site, tensor.sizes());
    const Piece& piece = flat.layout.pieces[place.piece];
    if (tensor.declared()) {
      detail::draw_parameter<Shard, Precision>(flat, piece, site.trained, tensor.init,
                                               parameter_seed(seed, tensor.name), device);
    } else {
      torch_parameters.meet(tensor.own, place);
      binding.claims.add(tensor.own, place.name);
      Tensor full = tensor.own.detach().to(device, at::kFloat).contiguous().clone();
      comm.broadcast(full, 0).wait();
      detail::write_parameter<Shard, Precision>(flat, piece, site.trained, full);
    }
    binding.lend(tensor, place, flat, detail::writes_to<Shard, Precision, rests>(site.trained));
  }
  if constexpr (shards_parameters<Shard>)
    for (auto& unit : engine.units())
      for (Flat* flat : unit.flats()) flat->seal();
  return binding;
}

// [ashlar.model.20] for all torch modules of a model.
template <class Model>
void require_statistics(Model& model, at::ScalarType compute, c10::Device device) {
  for_each_module(model, [&](auto& module) {
    if constexpr (torch_module<std::remove_reference_t<decltype(module)>>)
      detail::require_statistics(*module, compute, device);
  });
}

}  // namespace ashlar
