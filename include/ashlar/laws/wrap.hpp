// The laws of a Wrap policy (concepts/wrap_policy.hpp), as constants: static_assert(laws::wrap<W, Model>()).
//
//   law.7  the policy can be honoured for the model, or says that it cannot: applies().
//   law.8  tied parameters are in one unit with all that use them.
//   law.9  the model itself is the root unit; units come in the order of declaration, a parent before its
//          children.
//   law.10 every parameter is in exactly one unit: the innermost whose module holds it.
//
// The last two are also true of any census, for the walk that takes it keeps them whatever a policy answers;
// units(census, model) checks them against the names alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <ashlar/concepts/composable.hpp>
#include <ashlar/error.hpp>
#include <ashlar/laws/plain.hpp>
#include <ashlar/model/bind.hpp>
#include <ashlar/plan/census.hpp>

namespace ashlar::laws {

namespace detail {

// Whether what is called `name` lies in the module called `module`; the root's name is empty.
constexpr bool lies_in(std::string_view name, std::string_view module) {
  return module.empty() || name == module ||
         (name.starts_with(module) && name.substr(module.size()).starts_with('.'));
}

inline std::string quoted(const Name& name) {
  return "'" + std::string(name.view()) + "'";
}

}  // namespace detail

template <class Model>
constexpr bool units(const Census& census, Model& model) {
  std::vector<ParameterSite> met;
  for_each_tensor(model, [&](const Name& name, auto&, Role role) {
    if (role != Role::buffer) met.push_back({.name = name, .trained = role == Role::trained});
  });

  // Where a unit's parameters begin among all. A unit without any begins with the next.
  auto begin = [&](const UnitSite& unit) {
    std::size_t i = 0;
    while (i < met.size() && !detail::lies_in(met[i].name.view(), unit.name.view())) ++i;
    return i;
  };
  const std::string_view order = "the model as unit 0, and units in the order of declaration";
  if (census.units.empty() || census.units[0].name.size > 0 || census.units[0].parent != -1)
    throw Error("law.9", order,
                census.units.empty() ? "no unit" : "unit 0 " + detail::quoted(census.units[0].name),
                "take the census with take_census");
  for (std::size_t u = 1; u < census.units.size(); ++u) {
    const UnitSite &unit = census.units[u], &before = census.units[u - 1];
    const bool has_parent =
        unit.parent >= 0 && unit.parent < static_cast<int>(u) &&
        detail::lies_in(unit.name.view(), census.units[static_cast<std::size_t>(unit.parent)].name.view());
    if (!has_parent || begin(unit) < begin(before))
      throw Error("law.9", order,
                  "unit " + std::to_string(u) + " " + detail::quoted(unit.name) + " behind " +
                      detail::quoted(before.name),
                  "take the census with take_census");
  }

  if (census.parameters.size() != met.size())
    throw Error("law.10", "every parameter in exactly one unit",
                std::to_string(census.parameters.size()) + " places for " + std::to_string(met.size()) +
                    " parameters",
                "take the census with take_census");
  for (std::size_t i = 0; i < met.size(); ++i) {
    const ParameterSite& site = census.parameters[i];
    int innermost = 0;
    for (std::size_t u = 1; u < census.units.size(); ++u)
      if (const Name& name = census.units[u].name;
          detail::lies_in(met[i].name.view(), name.view()) &&
          name.size >= census.units[static_cast<std::size_t>(innermost)].name.size)
        innermost = static_cast<int>(u);
    if (site.name.view() != met[i].name.view() || site.trained != met[i].trained || site.unit != innermost)
      throw Error("law.10",
                  "parameter " + detail::quoted(met[i].name) + " in unit " + std::to_string(innermost),
                  detail::quoted(site.name) + " in unit " + std::to_string(site.unit),
                  "take the census with take_census");
  }
  return true;
}

template <class Wrap, class Model>
  requires wrap_policy<Wrap> && model<Model>
constexpr bool wrap(Model model = {}) {
  if (!wraps<Wrap, Model>)
    throw Error("law.7", std::string(Wrap::name) + " to apply to the model", "applies() = false",
                "use another policy for this model");
  if (!keeps_ties_together<Wrap, Model>)
    throw Error("law.8", "a unit to hold tied parameters together with all that use them",
                std::string(Wrap::name) + " starting a unit between them",
                "let starts_unit() say false for the owner: ties<Model, T>");
  return units(take_census<Wrap, plain::Checkpoint>(model), model);
}

}  // namespace ashlar::laws
