#include <ashlar/state/training.hpp>

#include <nlohmann/json.hpp>

#include <ashlar/error.hpp>

namespace ashlar::state::detail {

std::string encode_meta(const std::string& recipe, const std::string& extra) {
  return nlohmann::json{{"recipe", recipe}, {"extra", extra}}.dump();
}

std::string decode_meta(const std::string& meta, const std::string& recipe, const std::string& where) {
  const auto object = nlohmann::json::parse(meta, nullptr, false);
  const auto text = [&](const char* key) {
    return object.is_object() && object.contains(key) && object[key].is_string()
               ? object[key].get<std::string>()
               : std::string();
  };
  if (text("recipe") != recipe)
    throw Error("state.6", "the recipe '" + recipe + "' in '" + where + "'", "'" + text("recipe") + "'",
                "run with the recipe that saved it, or start anew in another directory");
  return text("extra");
}

}  // namespace ashlar::state::detail
