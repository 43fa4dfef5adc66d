#include <ashlar/state/safetensors.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include <ashlar/error.hpp>

namespace ashlar::state {
namespace {

using nlohmann::json;

struct Damage {
  const std::string& file;
  [[noreturn]] void operator()(const std::string& got) const {
    throw Error("state.8", "a whole safetensors file in '" + file + "'", got,
                "restore it or load another checkpoint");
  }
};

// JSON lets a key occur twice and parsers keep one of the two in silence; here that is damage.
json parse(std::string_view text, const Damage& damaged) {
  std::vector<std::set<std::string>> open;
  std::string twice;
  const auto watch = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second)
      twice = value.get<std::string>();
    return true;
  };
  if (!text.starts_with('{')) damaged("a head that does not begin with '{'");
  json head = json::parse(text, watch, false);
  if (!head.is_object()) damaged("a head that is no JSON object");
  if (!twice.empty()) damaged("the key '" + twice + "' twice");
  return head;
}

// Elements of `shape`, and whether the multiplication held.
std::pair<std::uint64_t, bool> elements(const std::vector<std::int64_t>& shape) {
  std::uint64_t product = 1;
  for (const std::int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(product, static_cast<std::uint64_t>(size), &product))
      return {0, false};
  return {product, true};
}

StoredTensor tensor(const std::string& name, const json& entry, const Damage& damaged) {
  const auto all_unsigned = [](const json& list) {
    return list.is_array() && std::ranges::all_of(list, [](const json& x) { return x.is_number_unsigned(); });
  };
  const std::string where = " of tensor '" + name + "'";
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets"))
    damaged("other fields than dtype, shape and data_offsets" + where);
  const json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
  if (!dtype.is_string() || dtype_bytes(dtype.get<std::string>()) == 0)
    damaged("dtype " + dtype.dump() + where);
  if (!all_unsigned(shape)) damaged("shape " + shape.dump() + where);
  if (!all_unsigned(offsets) || offsets.size() != 2) damaged("data_offsets " + offsets.dump() + where);

  StoredTensor found{name, dtype, shape, offsets[0], offsets[1]};
  std::uint64_t bytes = 0;
  const auto [count, fits] = elements(found.shape);
  if (!fits || __builtin_mul_overflow(count, dtype_bytes(found.dtype), &bytes))
    damaged("shape " + shape.dump() + where);
  if (found.end < found.begin || found.end - found.begin != bytes)
    damaged("data_offsets " + offsets.dump() + where + ", whose shape and dtype need " +
            std::to_string(bytes) + " bytes");
  return found;
}

}  // namespace

std::uint64_t dtype_bytes(std::string_view dtype) {
  static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 9> known{{{"F64", 8},
                                                                                    {"F32", 4},
                                                                                    {"BF16", 2},
                                                                                    {"F16", 2},
                                                                                    {"I64", 8},
                                                                                    {"I32", 4},
                                                                                    {"I16", 2},
                                                                                    {"U8", 1},
                                                                                    {"BOOL", 1}}};
  const auto found = std::ranges::find(known, dtype, &std::pair<std::string_view, std::uint64_t>::first);
  return found == known.end() ? 0 : found->second;
}

std::string encode(const SafetensorsHead& head) {
  nlohmann::ordered_json all;
  all["__metadata__"] = head.metadata;
  for (const StoredTensor& t : head.tensors)
    all[t.name] = {{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {t.begin, t.end}}};
  std::string text = all.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

SafetensorsHead decode(std::string_view text, std::uint64_t data_bytes, const std::string& file) {
  const Damage damaged{file};
  SafetensorsHead head;
  const json all = parse(text, damaged);
  for (const auto& [name, entry] : all.items()) {
    if (name != "__metadata__") {
      head.tensors.push_back(tensor(name, entry, damaged));
      continue;
    }
    if (!entry.is_object()) damaged("__metadata__ that is no object");
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) damaged("__metadata__ '" + key + "' that is no text");
      head.metadata[key] = value;
    }
  }
  std::ranges::sort(head.tensors, {}, [](const StoredTensor& t) { return std::tuple(t.begin, t.end); });
  std::uint64_t covered = 0;
  for (const StoredTensor& t : head.tensors) {
    if (t.begin != covered)
      damaged("tensor '" + t.name + "' at byte " + std::to_string(t.begin) + " instead of " +
              std::to_string(covered));
    covered = t.end;
  }
  if (covered != data_bytes)
    damaged(std::to_string(data_bytes) + " bytes of data instead of " + std::to_string(covered));
  return head;
}

}  // namespace ashlar::state
