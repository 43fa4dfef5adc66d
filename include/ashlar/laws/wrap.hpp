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
  if (module.empty() || name == module) return true;
  return name.size() > module.size() && name[module.size()] == '.' && name.starts_with(module);
}

inline std::string quoted(const Name& name) {
  return "'" + std::string(name.view()) + "'";
}

inline constexpr std::string_view take_it = "take the census with take_census";

// Every parameter of the model, by its name alone.
template <class Model>
constexpr std::vector<ParameterSite> parameters_of(Model& model) {
  std::vector<ParameterSite> all;
  for_each_tensor(model, [&](const Name& name, auto&, Role role) {
    if (role != Role::buffer) all.push_back({.name = name, .trained = role == Role::trained});
  });
  return all;
}

// Returns each unit's first parameter, by number; how many there are where a unit has none.
constexpr std::vector<std::size_t> expect_order(const std::vector<UnitSite>& units,
                                                const std::vector<ParameterSite>& parameters) {
  const std::string_view order = "the model as unit 0, and units in the order of declaration";
  if (units.empty() || units[0].name.size > 0 || units[0].parent != -1)
    throw Error("law.9", order, units.empty() ? "no unit" : "unit 0 " + quoted(units[0].name), take_it);
  std::vector<std::size_t> firsts{0};
  std::size_t last = 0;
  for (std::size_t u = 1; u < units.size(); ++u) {
    const std::string_view name = units[u].name.view();
    const int parent = units[u].parent;
    bool ordered = parent >= 0 && parent < static_cast<int>(u) &&
                   lies_in(name, units[static_cast<std::size_t>(parent)].name.view());
    std::size_t first = last;
    while (first < parameters.size() && !lies_in(parameters[first].name.view(), name)) ++first;
    if (first < parameters.size())
      last = first;
    else
      for (const ParameterSite& p : parameters) ordered = ordered && !lies_in(p.name.view(), name);
    if (!ordered)
      throw Error(
          "law.9", order,
          "unit " + std::to_string(u) + " " + quoted(units[u].name) + " behind " + quoted(units[u - 1].name),
          take_it);
    firsts.push_back(first);
  }
  return firsts;
}

constexpr void expect_places(const Census& census, const std::vector<ParameterSite>& parameters,
                             const std::vector<std::size_t>& firsts) {
  if (census.parameters.size() != parameters.size())
    throw Error("law.10", "every parameter in exactly one unit",
                std::to_string(census.parameters.size()) + " places for " +
                    std::to_string(parameters.size()) + " parameters",
                take_it);
  std::size_t unit = 0, next = 1;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const ParameterSite &site = census.parameters[i], &due = parameters[i];
    while (!lies_in(due.name.view(), census.units[unit].name.view()))
      unit = static_cast<std::size_t>(census.units[unit].parent);
    for (; next < firsts.size() && (firsts[next] <= i || firsts[next] == parameters.size()); ++next)
      if (firsts[next] <= i) unit = next;
    if (site.name.view() != due.name.view() || site.trained != due.trained ||
        site.unit != static_cast<int>(unit))
      throw Error("law.10", "parameter " + quoted(due.name) + " in unit " + std::to_string(unit),
                  quoted(site.name) + " in unit " + std::to_string(site.unit), take_it);
  }
}

}  // namespace detail

template <class Model>
constexpr bool units(const Census& census, Model& model) {
  const std::vector<ParameterSite> parameters = detail::parameters_of(model);
  detail::expect_places(census, parameters, detail::expect_order(census.units, parameters));
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
                "let starts_unit() say false where tied_elsewhere<Model, T>");
  return units(take_census<Wrap, plain::Checkpoint>(model), model);
}

}  // namespace ashlar::laws
