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
#include <ashlar/model/bind.hpp>
#include <ashlar/model/init.hpp>
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
  Tensor& add_buffer(const Name& name, std::vector<std::int64_t> shape, nn::Init init, std::uint64_t seed,
                     c10::Device device);

 private:
  std::vector<std::array<std::size_t, 2>> met_;  // pieces, by unit: trained and frozen
};

namespace detail {

// What all torch parameters of a model must share, met one after the other.
class TorchParameters {
 public:
  // [ashlar.model.5]: registered twice. [ashlar.model.13]: of several types in a unit, or of none that
  // floats.
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

// Collective where the model has torch modules: their values are rank 0's.
template <class Shard, class Precision, class Comm, memory rests, class Model>
Binding bind(Model& model, Engine<Shard, Precision, Comm, rests>& engine, const Census& census, Comm& comm,
             c10::Device device, std::uint64_t seed) {
  for_each_module(model, [&](auto& module) {
    if constexpr (torch_module<std::remove_reference_t<decltype(module)>>)
      detail::require_statistics(*module, scalar_type(Precision::compute), device);
  });
  Binding binding;
  detail::TorchParameters torch_parameters;
  Sharing sharing;
  for_each_tensor(model, [&](const Name& name, auto& member, Role role) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, Tensor>)
      sharing.meet(std::string(name.view()), member, role != Role::buffer);
  });
  sharing.check(device);
  for_each_tensor(model, [&](const Name& name, auto& member, Role role) {
    constexpr bool is_torch = std::is_same_v<std::remove_cvref_t<decltype(member)>, Tensor>;
    if (role == Role::buffer) {
      if constexpr (is_torch) {
        Tensor values = member.detach().to(device).contiguous().clone();
        comm.broadcast(values, 0).wait();
        if (sharing.stays(member))
          member.copy_(values);
        else
          member.set_data(values);
        binding.buffer_names.emplace_back(name.view());
        binding.buffers.push_back(member);
      } else {
        member.tensor = &binding.add_buffer(name, {member.shape.begin(), member.shape.end()}, member.init,
                                            parameter_seed(seed, name.view()), device);
      }
      return;
    }
    const ParameterSite& site = census.parameters[binding.places.size()];
    auto& unit = engine.units()[static_cast<size_t>(site.unit)];
    Flat& flat = site.trained ? unit.trained : unit.frozen;
    constexpr auto writes = detail::writes_to<Shard, Precision, rests>;
    if constexpr (is_torch) {
      const Place& place = binding.add_place(site, member.sizes().vec());
      const Piece& piece = flat.layout.pieces[place.piece];
      torch_parameters.meet(member, place);
      binding.claims.add(member, place.name);
      Tensor full = member.detach().to(device, at::kFloat).contiguous().clone();
      comm.broadcast(full, 0).wait();
      detail::write_parameter<Shard, Precision>(flat, piece, site.trained, full);
      member.set_data(window(flat.whole, piece.offset, place.shape));
      if (site.trained) flat.add_leaf(member, /*accumulates=*/true);
      binding.intact.add(place.name, member, flat, writes(site.trained));
      flat.of_modules.push_back(member);
    } else {
      const Place& place = binding.add_place(site, {member.shape.begin(), member.shape.end()});
      const Piece& piece = flat.layout.pieces[place.piece];
      detail::draw_parameter<Shard, Precision>(flat, piece, site.trained, member.init,
                                               parameter_seed(seed, name.view()), device);
      const Tensor whole = window(flat.whole, piece.offset, place.shape);
      if (site.trained) {
        Leaf& leaf = flat.add_leaf(whole, /*accumulates=*/false);
        member.tensor = &leaf.tensor;
        if constexpr (requires { member.gradient; }) member.gradient = &leaf.gradient;  // a Buffer has none
      } else {
        member.tensor = &binding.frozen.emplace_back(whole);
      }
      binding.intact.add(place.name, *member.tensor, flat, writes(site.trained));
    }
  });
  if constexpr (shards_parameters<Shard>)
    for (auto& unit : engine.units())
      for (Flat* flat : unit.flats()) flat->seal();
  bind_ties(model);
  return binding;
}

}  // namespace ashlar
