// Census: a model's units, and which parameter belongs to which, found by one walk over its types.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <ashlar/model/module_id.hpp>
#include <ashlar/model/visit.hpp>

namespace ashlar {

struct ParameterSite {
  Name name{};
  long numel = 0;
  bool decays = false;
  bool trained = true;
  int unit = 0;
};

// A unit, in the order of declaration; the root is unit 0.
struct UnitSite {
  Name name{};
  int parent = -1;
  int layer = -1;  // the recomputed layer it is or lies in, by number; -1 where nothing is recomputed
};

// A module that runs as one node of the graph: a unit, or a recomputed layer of one (then unit = -1).
struct Stop {
  ModuleId module{};
  int unit = -1;
};

struct Census {
  std::vector<UnitSite> units{};
  std::vector<ParameterSite> parameters{};
  std::vector<Stop> stops{};  // in the order of declaration
  int layers = 0;             // modules that are recomputed
};

namespace detail {

// What policies make of one type of module.
struct Marks {
  bool is_unit = false;
  bool is_layer = false;
};

template <class Wrap, class Checkpoint, class Model, class T>
consteval Marks marks_of() {
  if constexpr ((declared_module<T> || torch_module<T>)&&!std::is_same_v<T, Model>)
    return {Wrap::template starts_unit<Model, T>(), Checkpoint::template recomputes<Model, T>()};
  else
    return {};
}

// By type, in the order of types_below.
template <class Wrap, class Checkpoint, class Model, class... Types>
consteval auto marks_of(TypeList<Types...>) {
  return std::array{marks_of<Wrap, Checkpoint, Model, Types>()...};
}

template <class T, class... Types>
consteval std::size_t index_of(TypeList<Types...>) {
  std::size_t index = 0;
  (void)((std::is_same_v<T, Types> || (++index, false)) || ...);
  return index;
}

// Depends on no policy's type, so that it is compiled once for each model.
template <class Model>
struct Walk {
  const Marks* marks;
  Census census{};

  template <class M>
  constexpr void module(M& node, const Name& name, int unit, int layer, bool trained) {
    if constexpr (torch_module<M>) {
      for (auto& item : node->named_parameters())
        census.parameters.push_back({name.dot(item.key()), item.value().numel(), item.value().dim() > 1,
                                     trained && item.value().requires_grad(), unit});
    } else if constexpr (frozen<M>) {
      for_each_element(node.module, name, [&](const Name& element_name, auto& element) {
        member(element, element_name, unit, layer, false);
      });
    } else {
      for_each_child(node, name, [&](const Name& child_name, auto& child) {
        member(child, child_name, unit, layer, trained);
      });
    }
  }

  template <class Member>
  constexpr void member(Member& node, const Name& name, int unit, int layer, bool trained) {
    if constexpr (parameter<Member>)
      census.parameters.push_back({name, Member::numel, Member::shape.size() > 1, trained, unit});
    else if constexpr (declared_module<Member> || torch_module<Member>)
      child(node, name, unit, layer, trained);
  }

  template <class Child>
  constexpr void child(Child& node, const Name& name, int unit, int layer, bool trained) {
    const Marks mark = marks[index_of<std::remove_const_t<Child>>(types_below<Model>())];
    if (mark.is_layer) layer = census.layers++;
    if (mark.is_unit) {
      census.units.push_back({name, unit, layer});
      unit = static_cast<int>(census.units.size()) - 1;
    }
    if (mark.is_unit || mark.is_layer) census.stops.push_back({id_of(node), mark.is_unit ? unit : -1});
    module(node, name, unit, layer, trained);
  }
};

}  // namespace detail

// The units and parameters of `model` under a Wrap and a Checkpoint policy. Constant for declared models.
template <class Wrap, class Checkpoint, class Model>
constexpr Census take_census(Model& model) {
  using Plain = std::remove_const_t<Model>;
  constexpr auto marks = detail::marks_of<Wrap, Checkpoint, Plain>(types_below<Plain>());
  detail::Walk<Plain> walk{marks.data()};
  walk.census.units.push_back({});
  walk.module(model, Name(), 0, -1, true);
  return walk.census;
}

}  // namespace ashlar
