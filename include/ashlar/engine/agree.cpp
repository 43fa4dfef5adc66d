#include <ashlar/engine/agree.hpp>

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <ashlar/error.hpp>

namespace ashlar {

namespace {

constexpr size_t width = 256;  // bytes a part
constexpr std::array<std::string_view, 4> parts{"strategy", "model", "recipe", "schedule"};

}  // namespace

Identity identify(const Plan& plan, const Census& census, const std::string& shapes, std::string recipe,
                  std::string schedule) {
  constexpr size_t shown = 120;  // characters of shapes, which are part of the fingerprint anyway
  std::string sites = shapes;
  long numel = 0;
  for (const ParameterSite& p : census.parameters) {
    sites += std::string(p.name.view()) + ":" + std::to_string(p.numel) + (p.trained ? "t" : "f") +
             std::to_string(p.unit) + " ";
    numel += p.numel;
  }
  return {strategy_name(plan) + " of " + std::to_string(census.units.size()) + " units",
          std::to_string(census.parameters.size()) + " parameters of " + std::to_string(numel) +
              " elements: " + (shapes.size() <= shown ? shapes : "") + fingerprint(sites),
          std::move(recipe), std::move(schedule)};
}

std::string shapes_in_words(const std::vector<ModelTensor>& tensors) {
  std::string words;
  for (const ModelTensor& tensor : tensors) {
    std::string shape;
    for (const std::int64_t size : tensor.sizes())
      shape += (shape.empty() ? "" : ", ") + std::to_string(size);
    words += tensor.name + " (" + shape + "), ";
  }
  return words;
}

std::string fingerprint(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string hex(16, '0');
  for (size_t i = hex.size(); i-- > 0; hash >>= 4) hex[i] = "0123456789abcdef"[hash & 15];
  return hex;
}

Tensor detail::encode(const Identity& identity, c10::Device device) {
  const Tensor bytes = at::zeros({static_cast<long>(width * parts.size())}, at::kByte);
  char* to = static_cast<char*>(bytes.data_ptr());
  for (const std::string* part :
       {&identity.strategy, &identity.model, &identity.recipe, &identity.schedule}) {
    // A text that does not fit ends in its own fingerprint, so that two that differ anywhere still differ.
    std::string text = *part;
    if (text.size() >= width) text = text.substr(0, width - 18) + " " + fingerprint(text);
    std::memcpy(to, text.data(), text.size());
    to += width;
  }
  return bytes.to(device);
}

void detail::compare(const Tensor& all, int world) {
  const Tensor bytes = all.cpu();
  const char* from = static_cast<const char*>(bytes.data_ptr());
  auto part_of = [&](int rank, size_t part) {
    const char* text = from + (static_cast<size_t>(rank) * parts.size() + part) * width;
    return std::string(text, strnlen(text, width));
  };
  for (size_t part = 0; part < parts.size(); ++part)
    for (int rank = 1; rank < world; ++rank)
      if (part_of(rank, part) != part_of(0, part))
        throw Error("train.3",
                    "the same " + std::string(parts[part]) + " on every rank, rank 0's " + part_of(0, part),
                    part_of(rank, part) + " on rank " + std::to_string(rank),
                    "start every rank with the same program and arguments");
}

}  // namespace ashlar
