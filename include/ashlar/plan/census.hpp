// Census: a model's units, and which parameter belongs to which, found by one walk over its types.
#pragma once

#include <vector>

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

struct Census {
  std::vector<UnitSite> units{};
  std::vector<ParameterSite> parameters{};
  int layers = 0;  // modules that are recomputed
};

namespace detail {

template <class Wrap, class Checkpoint, class Model, class Stop>
struct Walk {
  Stop& stop;
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
    using Type = std::remove_const_t<Child>;
    constexpr bool is_layer = Checkpoint::template recomputes<Model, Type>();
    constexpr bool is_unit = Wrap::template starts_unit<Model, Type>();
    if constexpr (is_layer) layer = census.layers++;
    if constexpr (is_unit) {
      census.units.push_back({name, unit, layer});
      unit = static_cast<int>(census.units.size()) - 1;
    }
    if constexpr (is_unit || is_layer) stop(node, is_unit ? unit : -1);
    module(node, name, unit, layer, trained);
  }
};

}  // namespace detail

// The units and parameters of `model` under a Wrap and a Checkpoint policy. Constant for declared models.
// Calls stop(module, unit) for each module that is a unit or a recomputed layer (then unit = -1), in order of
// declaration.
template <class Wrap, class Checkpoint, class Model>
constexpr Census take_census(Model& model, auto stop) {
  detail::Walk<Wrap, Checkpoint, std::remove_const_t<Model>, decltype(stop)> walk{stop};
  walk.census.units.push_back({});
  walk.module(model, Name(), 0, -1, true);
  return walk.census;
}

template <class Wrap, class Checkpoint, class Model>
constexpr Census take_census(Model& model) {
  return take_census<Wrap, Checkpoint>(model, [](auto&, int) {});
}

}  // namespace ashlar
