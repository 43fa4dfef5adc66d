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
  std::vector<std::array<std::vector<Piece>, 2>> pieces(census.units.size());  // by unit: trained, frozen
  for (const ParameterSite& p : census.parameters)
    pieces[static_cast<std::size_t>(p.unit)][p.trained ? 0 : 1].push_back({p.name, p.numel, p.decays, 0});
  std::vector<UnitLayout> units;
  units.reserve(pieces.size());
  for (std::size_t u = 0; u < pieces.size(); ++u)
    units.push_back({census.units[u].name, Layout(std::move(pieces[u][0]), world),
                     Layout(std::move(pieces[u][1]), world)});
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
