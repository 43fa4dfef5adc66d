#include <ashlar/plan/plan.hpp>

#include <cstdio>
#include <initializer_list>
#include <utility>

#include <nlohmann/json.hpp>

namespace ashlar {

namespace {

std::string size_text(long bytes) {
  const char* const units[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 999.95 && unit < 4) value /= 1000, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

template <class... Values>
void add_line(std::string& text, const char* format, Values... values) {
  char line[256];
  std::snprintf(line, sizeof line, format, values...);
  text += line;
  text += '\n';
}

bool alike(const UnitPlan& a, const UnitPlan& b) {
  return a.trained == b.trained && a.frozen == b.frozen && a.padded == b.padded;
}

// "blocks.0 to blocks.11": runs of units of the same size share a line.
std::string names(const Plan& plan, size_t first, size_t last) {
  if (first == 0) return "root";
  const std::string begin(plan.units[first].name.view());
  return first == last ? begin : begin + " to " + std::string(plan.units[last].name.view());
}

}  // namespace

std::string strategy_name(const Plan& plan) {
  std::string text = "Trainer<";
  for (const std::string_view policy : {plan.shard, plan.precision, plan.offload, plan.wrap}) {
    text += policy;
    text += ", ";
  }
  return text + std::string(plan.checkpoint) + ">";
}

std::string describe(const Plan& plan) {
  std::string text =
      strategy_name(plan) + " on " + std::to_string(plan.world) + (plan.world == 1 ? " rank\n" : " ranks\n");
  long trained = 0, frozen = 0;
  for (size_t first = 0; first < plan.units.size();) {
    size_t last = first;
    while (first > 0 && last + 1 < plan.units.size() && alike(plan.units[last + 1], plan.units[first]))
      ++last;
    const UnitPlan& unit = plan.units[first];
    const auto count = static_cast<long>(last - first + 1);
    trained += count * unit.trained;
    frozen += count * unit.frozen;
    add_line(text, "  %-32s %4ld x %12ld parameters%s", names(plan, first, last).c_str(), count,
             unit.trained + unit.frozen, unit.frozen > 0 ? ", some frozen" : "");
    first = last + 1;
  }
  add_line(text, "  %-32s %19ld parameters, %ld of them trained", "model", trained + frozen, trained);

  text += "  each rank keeps\n";
  for (const auto& [what, size] :
       std::initializer_list<std::pair<const char*, long>>{{"parameters", plan.parameters},
                                                           {"gradients", plan.gradients},
                                                           {"optimizer state", plan.optimizer},
                                                           {"slots for whole units", plan.slots},
                                                           {"slots for whole gradients", plan.gradient_slots},
                                                           {"in all, without activations", plan.kept()}})
    add_line(text, "    %-30s %12s", what, size_text(size).c_str());
  if (plan.host > 0) add_line(text, "    %-30s %12s", "and on its host", size_text(plan.host).c_str());

  if (plan.work.most > 0) {
    text += "  each micro-batch needs\n";
    add_line(text, "    %-30s %12s", "activations", size_text(plan.work.saved).c_str());
    add_line(text, "    %-30s %12s", "at most, with what is kept", size_text(plan.peak()).c_str());
    add_line(text, "    %-30s %12.3g", "floating-point operations", plan.work.flops);
  }

  text += "  each step sends\n";
  for (const auto& [what, kind] : std::initializer_list<std::pair<const char*, Collective>>{
           {"all-gather", Collective::all_gather},
           {"reduce-scatter", Collective::reduce_scatter},
           {"all-reduce", Collective::all_reduce}}) {
    const auto count =
        std::count_if(plan.step.begin(), plan.step.end(),
                      [sought = kind](const Transfer& transfer) { return transfer.kind == sought; });
    if (count > 0)
      add_line(text, "    %-16s %4ld x, in all %11s", what, static_cast<long>(count),
               size_text(plan.sent(kind)).c_str());
  }
  if (plan.moved > 0)
    add_line(text, "    %-23s in all %11s", "to the host and back", size_text(plan.moved).c_str());
  return text;
}

std::string to_json(const Plan& plan) {
  using Json = nlohmann::ordered_json;
  const auto pieces = [](const std::vector<Piece>& all) {
    Json list = Json::array();
    for (const Piece& piece : all)
      list.push_back({{"name", piece.name.view()}, {"numel", piece.numel}, {"offset", piece.offset}});
    return list;
  };
  Json units = Json::array(), step = Json::array();
  for (const UnitPlan& unit : plan.units)
    units.push_back({{"name", unit.name.view()},
                     {"trained", unit.trained},
                     {"frozen", unit.frozen},
                     {"padded", unit.padded},
                     {"parameters", pieces(unit.pieces)},
                     {"frozen_parameters", pieces(unit.frozen_pieces)}});
  for (const Transfer& transfer : plan.step)
    step.push_back(
        {{"collective", to_string(transfer.kind)}, {"unit", transfer.unit}, {"bytes", transfer.bytes}});
  return Json{{"shard", plan.shard},
              {"precision", plan.precision},
              {"offload", plan.offload},
              {"wrap", plan.wrap},
              {"checkpoint", plan.checkpoint},
              {"world", plan.world},
              {"micro_batches", plan.micro_batches},
              {"kept",
               {{"parameters", plan.parameters},
                {"gradients", plan.gradients},
                {"optimizer", plan.optimizer},
                {"slots", plan.slots},
                {"gradient_slots", plan.gradient_slots},
                {"all", plan.kept()},
                {"on_host", plan.host}}},
              {"micro_batch",
               {{"activations", plan.work.saved}, {"most", plan.work.most}, {"flops", plan.work.flops}}},
              {"peak", plan.peak()},
              {"update", plan.update},
              {"moved", plan.moved},
              {"step", std::move(step)},
              {"units", std::move(units)}}
      .dump(1);
}

}  // namespace ashlar
