// Binding: lends a model's parameters their windows of the flats, and gives them their first values.
#pragma once

#include <ATen/core/Tensor.h>

#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include <ashlar/engine/engine.hpp>
#include <ashlar/model/bind.hpp>
#include <ashlar/model/init.hpp>
#include <ashlar/tensor.hpp>

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

  // [ashlar.model.17]: another trainer has it, or had it and took its bytes along.
  void add(const Tensor& parameter, const std::string& name);

 private:
  std::vector<const void*> claimed_;
};

struct Binding {
  std::vector<Place> places;  // in order of declaration
  std::deque<Tensor> frozen;  // what frozen parameters point to: windows of whole
  std::vector<std::string> buffer_names;
  std::deque<Tensor> buffers;  // what declared buffers point to, and torch modules' own
  Claims claims;
};

namespace detail {

// Writes elements [piece.offset, ...) of a flat's whole and master from values(first, count): 1D, float32.
template <class Shard, class Precision>
void write_values(Flat& flat, const Piece& piece, bool trained, auto&& values) {
  const bool sharded = shards_parameters<Shard>;
  const Tensor& target = sharded ? flat.shard : flat.whole;
  const long begin = sharded ? flat.shard_begin : 0;
  const long first = std::max(begin, piece.offset);
  const long end = std::min(begin + target.numel(), piece.offset + piece.numel);
  if (first >= end) return;
  const Tensor part = values(first - piece.offset, end - first);
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

}  // namespace detail

// Collective where the model has torch modules: their values are rank 0's.
template <class Shard, class Precision, class Comm, memory rests, class Model>
Binding bind(Model& model, Engine<Shard, Precision, Comm, rests>& engine, const Census& census, Comm& comm,
             c10::Device device, std::uint64_t seed) {
  Binding binding;
  std::vector<std::array<size_t, 2>> next(engine.units().size());  // pieces met, by unit
  std::unordered_set<const void*> met;
  std::vector<at::ScalarType> types(engine.units().size(), at::ScalarType::Undefined);  // of torch modules
  for_each_tensor(model, [&](const Name& name, auto& member, Role role) {
    constexpr bool is_torch = std::is_same_v<std::remove_cvref_t<decltype(member)>, Tensor>;
    if (role == Role::buffer) {
      binding.buffer_names.emplace_back(name.view());
      if constexpr (is_torch) {
        Tensor values = member.detach().to(device).contiguous().clone();
        comm.broadcast(values, 0).wait();
        member.set_data(values);
        binding.buffers.push_back(member);
      } else {
        const std::vector<int64_t> shape(member.shape.begin(), member.shape.end());
        Tensor& values = binding.buffers.emplace_back(zeros(member.numel, dtype::f32, device).view(shape));
        fill(values, member.init, parameter_seed(seed, name.view()));
        member.tensor = &values;
      }
      return;
    }
    const ParameterSite& site = census.parameters[binding.places.size()];
    Place& place = binding.places.emplace_back();
    place.name = name.view();
    place.unit = site.unit;
    place.trained = site.trained;
    place.piece = next[static_cast<size_t>(site.unit)][site.trained ? 0 : 1]++;
    auto& unit = engine.units()[static_cast<size_t>(site.unit)];
    Flat& flat = site.trained ? unit.trained : unit.frozen;
    const Piece& piece = flat.layout.pieces[place.piece];
    if constexpr (is_torch) {
      if (!met.insert(member.unsafeGetTensorImpl()).second)
        throw Error("model.5", "every parameter of a torch module to be registered once",
                    "'" + place.name + "' a second time", "register it once and use it from both places");
      at::ScalarType& type = types[static_cast<size_t>(site.unit)];
      if (type == at::ScalarType::Undefined) type = member.scalar_type();
      if (member.scalar_type() != type || !at::isFloatingType(type))
        throw Error("model.13", "the torch parameters of a unit to have one floating type",
                    std::string(at::toString(member.scalar_type())) + " at '" + place.name + "' after " +
                        at::toString(type),
                    "convert them by module->to(torch::kFloat); Precision decides in which type they train");
      binding.claims.add(member, place.name);
      place.shape = member.sizes().vec();
      Tensor full = member.detach().to(device, at::kFloat).contiguous().clone();
      comm.broadcast(full, 0).wait();
      detail::write_values<Shard, Precision>(flat, piece, site.trained, [&](long first, long count) {
        return full.flatten().narrow(0, first, count);
      });
      member.set_data(window(flat.whole, piece.offset, place.shape));
      if (site.trained) flat.add_leaf(member, /*accumulates=*/true);
    } else {
      place.shape.assign(member.shape.begin(), member.shape.end());
      detail::write_values<Shard, Precision>(flat, piece, site.trained, [&](long first, long count) {
        Tensor part = zeros(count, dtype::f32, c10::Device(c10::kCPU));
        fill(part, member.init, parameter_seed(seed, name.view()), first);
        return part.to(device);
      });
      const Tensor whole = window(flat.whole, piece.offset, place.shape);
      if (site.trained) {
        Leaf& leaf = flat.add_leaf(whole, /*accumulates=*/false);
        member.tensor = &leaf.tensor;
        if constexpr (requires { member.gradient; }) member.gradient = &leaf.gradient;  // a Buffer has none
      } else {
        member.tensor = &binding.frozen.emplace_back(whole);
      }
    }
  });
  bind_ties(model);
  return binding;
}

}  // namespace ashlar
