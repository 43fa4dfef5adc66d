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

constexpr void expect_order(const std::vector<UnitSite>& units,
                            const std::vector<ParameterSite>& parameters) {
  const std::string_view order = "the model as unit 0, and units in the order of declaration";
  if (units.empty() || units[0].name.size > 0 || units[0].parent != -1)
    throw Error("law.9", order, units.empty() ? "no unit" : "unit 0 " + quoted(units[0].name), take_it);
  std::size_t last = 0;  // the first parameter of the unit before
  for (std::size_t u = 1; u < units.size(); ++u) {
    const int parent = units[u].parent;
    const bool has_parent =
        parent >= 0 && parent < static_cast<int>(u) &&
        lies_in(units[u].name.view(), units[static_cast<std::size_t>(parent)].name.view());
    std::size_t first = 0;
    while (first < parameters.size() && !lies_in(parameters[first].name.view(), units[u].name.view()))
      ++first;
    if (!has_parent || first < last)
      throw Error(
          "law.9", order,
          "unit " + std::to_string(u) + " " + quoted(units[u].name) + " behind " + quoted(units[u - 1].name),
          take_it);
    if (first < parameters.size()) last = first;  // a unit may have none
  }
}

constexpr int innermost(const std::vector<UnitSite>& units, const Name& parameter) {
  std::size_t found = 0;
  for (std::size_t u = 1; u < units.size(); ++u)
    if (lies_in(parameter.view(), units[u].name.view()) && units[u].name.size >= units[found].name.size)
      found = u;
  return static_cast<int>(found);
}

constexpr void expect_places(const Census& census, const std::vector<ParameterSite>& parameters) {
  if (census.parameters.size() != parameters.size())
    throw Error("law.10", "every parameter in exactly one unit",
                std::to_string(census.parameters.size()) + " places for " +
                    std::to_string(parameters.size()) + " parameters",
                take_it);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const ParameterSite &site = census.parameters[i], &due = parameters[i];
    const int unit = innermost(census.units, due.name);
    if (site.name.view() != due.name.view() || site.trained != due.trained || site.unit != unit)
      throw Error("law.10", "parameter " + quoted(due.name) + " in unit " + std::to_string(unit),
                  quoted(site.name) + " in unit " + std::to_string(site.unit), take_it);
  }
}

}  // namespace detail

template <class Model>
constexpr bool units(const Census& census, Model& model) {
  const std::vector<ParameterSite> parameters = detail::parameters_of(model);
  detail::expect_order(census.units, parameters);
  detail::expect_places(census, parameters);
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
