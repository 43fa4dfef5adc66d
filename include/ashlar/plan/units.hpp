// The layouts of a model's units in a world: what the engine allocates by and the plan counts by.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include <ashlar/plan/census.hpp>
#include <ashlar/plan/layout.hpp>
#include <ashlar/plan/schedule.hpp>

namespace ashlar {

struct UnitLayout {
  Name name{};
  Layout trained{};
  Layout frozen{};
};

constexpr std::vector<UnitLayout> lay_out(const Census& census, int world) {
  std::vector<UnitLayout> units;
  for (std::size_t u = 0; u < census.units.size(); ++u) {
    std::array<std::vector<Piece>, 2> pieces;
    for (const ParameterSite& p : census.parameters)
      if (p.unit == static_cast<int>(u)) pieces[p.trained ? 0 : 1].push_back({p.name, p.numel, p.decays, 0});
    units.push_back(
        {census.units[u].name, Layout(std::move(pieces[0]), world), Layout(std::move(pieces[1]), world)});
  }
  return units;
}

template <class Shard>
constexpr Schedule make_schedule(const Census& census, const std::vector<UnitLayout>& units, bool trains) {
  std::vector<UnitSize> sizes;
  for (const UnitLayout& unit : units)
    sizes.push_back({unit.trained.numel + unit.frozen.numel, unit.trained.numel});
  return make_schedule(census, sizes, Shard::reshard_after, prefetch_of<Shard>, trains);
}

}  // namespace ashlar
