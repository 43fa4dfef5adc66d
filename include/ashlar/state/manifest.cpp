#include <ashlar/state/manifest.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <span>

#include <nlohmann/json.hpp>

#include <ashlar/error.hpp>
#include <ashlar/state/checksum.hpp>

namespace ashlar::state {
namespace {

constexpr int version = 3;

// The step of a directory's name; nothing for any other name.
std::optional<std::int64_t> step_of(const std::string& name) {
  std::int64_t step = -1;
  if (!name.starts_with("step-")) return std::nullopt;
  std::from_chars(name.data() + 5, name.data() + name.size(), step);
  return step >= 0 && step_name(step) == name ? std::optional(step) : std::nullopt;
}

// Of the object's text, which is the same for equal objects because keys are sorted.
std::string checksum(const nlohmann::json& object) {
  const std::string text = object.dump();
  return checksum_of(std::as_bytes(std::span(text)));
}

}  // namespace

std::string step_name(std::int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return name;
}

std::string rank_file_name(int rank, int world) {
  char name[64];
  std::snprintf(name, sizeof name, "rank-%05d-of-%05d.safetensors", rank, world);
  return name;
}

std::vector<std::int64_t> steps(const std::filesystem::path& directory) {
  std::vector<std::int64_t> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(directory, none))
    if (const auto step = step_of(entry.path().filename().string()); step && entry.is_directory(none))
      found.push_back(*step);
  std::ranges::sort(found);
  return found;
}

std::optional<std::int64_t> latest(const std::filesystem::path& directory) {
  const auto all = steps(directory);
  return all.empty() ? std::nullopt : std::optional(all.back());
}

Manifest read_manifest(const std::filesystem::path& directory, std::int64_t step) {
  const auto home = directory / step_name(step);
  if (!std::filesystem::is_directory(home)) {
    std::string there;
    for (const std::int64_t other : steps(directory))
      there += (there.empty() ? "" : ", ") + std::to_string(other);
    throw Error("state.3",
                "a checkpoint of step " + std::to_string(step) + " in '" + directory.string() + "'",
                there.empty() ? "none at all" : "only those of step " + there, "check the path and the step");
  }
  const auto file = home / "manifest.json";
  std::ifstream in(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad())
    throw Error("state.4", "a readable '" + file.string() + "'", "none",
                "remove this checkpoint or restore the file");
  Manifest manifest = decode_manifest(text, file.string());
  if (manifest.step != step)
    throw Error("state.4", "the manifest of step " + std::to_string(step) + " in '" + file.string() + "'",
                "that of step " + std::to_string(manifest.step),
                "give the directory its own name, " + step_name(manifest.step));
  return manifest;
}

std::optional<Manifest> readable_manifest(const std::filesystem::path& directory, std::int64_t step) {
  try {
    return read_manifest(directory, step);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string encode(const Manifest& manifest) {
  nlohmann::json object{{"version", version},           {"step", manifest.step},
                        {"world_size", manifest.world}, {"strategy", manifest.strategy},
                        {"model", manifest.model},      {"meta", manifest.meta}};
  for (int rank = 0; rank < manifest.world; ++rank) {
    const RankFileNote& file = manifest.files.at(static_cast<std::size_t>(rank));
    object["files"].push_back(
        {{"name", rank_file_name(rank, manifest.world)}, {"bytes", file.bytes}, {"head", file.head}});
  }
  if (!manifest.beside.empty()) object["beside"] = manifest.beside;
  object["checksum"] = checksum(object);
  return object.dump(2) + '\n';
}

Manifest decode_manifest(const std::string& text, const std::string& file) {
  const auto damaged = [&](const std::string& got) {
    return Error("state.4", "a whole manifest in '" + file + "'", got,
                 "restore it or load another checkpoint");
  };
  auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) throw damaged("no JSON object");
  if (object.value("version", nlohmann::json()) != version)
    throw Error("state.4", "manifest version " + std::to_string(version) + " in '" + file + "'",
                object.value("version", nlohmann::json()).dump(), "load it with the release that wrote it");
  const auto sum = object.value("checksum", nlohmann::json());
  object.erase("checksum");
  if (sum != checksum(object)) throw damaged("a wrong checksum of the manifest itself");
  try {
    Manifest manifest{.step = object.at("step"),
                      .world = object.at("world_size"),
                      .files = {},
                      .strategy = object.at("strategy"),
                      .model = object.at("model"),
                      .meta = object.at("meta")};
    if (object.contains("beside")) object.at("beside").get_to(manifest.beside);
    for (const auto& entry : object.at("files"))
      manifest.files.push_back({entry.at("bytes"), entry.at("head")});
    if (manifest.world < 1 || manifest.files.size() != static_cast<std::size_t>(manifest.world))
      throw damaged(std::to_string(manifest.files.size()) + " files for " + std::to_string(manifest.world) +
                    " ranks");
    return manifest;
  } catch (const nlohmann::json::exception& error) {
    throw damaged(error.what());
  }
}

}  // namespace ashlar::state
