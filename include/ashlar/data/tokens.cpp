#include <ashlar/data/tokens.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

#include <ashlar/error.hpp>

namespace ashlar::data {
namespace {

static_assert(std::endian::native == std::endian::little,
              "token files are little-endian and read as they are");

constexpr std::size_t header_bytes = 256 * sizeof(std::int32_t);

struct Format {
  std::int32_t magic, version;
  std::size_t width;  // bytes an id
};
constexpr std::array<Format, 2> llmc{{{20240520, 1, 2}, {20240801, 7, 4}}};

// Files that begin with one of these are something else, whatever their name.
constexpr std::array<std::string_view, 6> foreign{"MMIDIDX",   "BIN.TOK",  "PK\x03\x04",
                                                  "\x93NUMPY", "\x1f\x8b", "PAR1"};

[[noreturn]] void unknown(const std::filesystem::path& file, const std::string& got) {
  throw Error("data.7", "nanoGPT's NAME.bin of uint16 or llm.c's format in '" + file.string() + "'", got,
              "write one of these formats, or open a text with data::Text");
}

std::int32_t field(std::span<const std::byte> bytes, std::size_t index) {
  std::int32_t value = 0;
  if (bytes.size() >= (index + 1) * sizeof value)
    std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
  return value;
}

std::optional<Format> find_llmc(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  const auto found = std::ranges::find(llmc, field(bytes, 0), &Format::magic);
  if (found == llmc.end()) return std::nullopt;
  if (bytes.size() >= 2 * sizeof(std::int32_t) && field(bytes, 1) != found->version)
    unknown(file, "llm.c's version " + std::to_string(field(bytes, 1)) + " of magic " +
                      std::to_string(found->magic));
  return *found;
}

void check_count(std::span<const std::byte> bytes, const Format& format, const std::filesystem::path& file) {
  const std::string where = "in '" + file.string() + "'";
  if (bytes.size() < header_bytes)
    throw Error("data.8", "a header of " + std::to_string(header_bytes) + " bytes " + where,
                "a file of " + std::to_string(bytes.size()), "copy or write it again, it was cut off");
  const std::int64_t said = field(bytes, 2);
  const auto held = static_cast<std::int64_t>((bytes.size() - header_bytes) / format.width);
  if (said != held || (bytes.size() - header_bytes) % format.width != 0)
    throw Error("data.8", std::to_string(said) + " tokens " + where + ", as its header says",
                std::to_string(held) + " tokens in " + std::to_string(bytes.size()) + " bytes",
                "copy or write it again, it was cut off or added to");
  if (said == 0) throw Error("data.4", "tokens " + where, "none", "check what wrote it");
}

// Whether ids without a header look like those of a wider type: the upper half of every one is 0, or as small
// as the vocabulary leaves it, where ids of uint16 would have any value. Too few ids tell nothing.
bool looks_wider(std::span<const std::byte> bytes, std::int64_t vocabulary) {
  constexpr std::size_t least = 32;
  const auto* ids = reinterpret_cast<const std::uint16_t*>(bytes.data());
  const std::size_t count = bytes.size() / sizeof *ids;
  if (count < least || count % 2 != 0) return false;
  const std::int64_t most = (vocabulary - 1) >> 16;
  bool any = false;  // a file of zeros is what it is
  for (std::size_t i = 0; i < count; i += 2) {
    if (ids[i + 1] > most) return false;
    any = any || ids[i] > most;
  }
  return any;
}

void check_raw(std::span<const std::byte> bytes, std::int64_t vocabulary, const std::filesystem::path& file) {
  const auto begins = [&](std::string_view mark) {
    return bytes.size() >= mark.size() && std::memcmp(bytes.data(), mark.data(), mark.size()) == 0;
  };
  if (std::ranges::any_of(foreign, begins)) unknown(file, "another format's first bytes");
  if (file.extension() != ".bin") unknown(file, "neither llm.c's first bytes nor a name that ends in .bin");
  if (bytes.size() % 2 != 0) unknown(file, "an odd number of bytes, " + std::to_string(bytes.size()));
  if (looks_wider(bytes, vocabulary))
    unknown(file,
            "what looks like ids of uint32 or wider without a header: the upper half of each is 0 or nearly");
}

// One pass of maxima, in blocks of a constant length so that the compiler vectorises it; a second look only
// in the block that is guilty.
template <class Id>
void check_ids(std::span<const std::byte> bytes, std::int64_t vocabulary, const std::filesystem::path& file) {
  constexpr std::size_t block = 8192;
  const auto* ids = reinterpret_cast<const Id*>(bytes.data());  // aligned: a page, or a page and the header
  const std::size_t count = bytes.size() / sizeof(Id);
  const auto beyond = [&](Id id) { return std::int64_t{id} >= vocabulary; };
  for (std::size_t first = 0; first < count; first += block) {
    Id top = 0;
    if (first + block <= count)
      for (std::size_t i = 0; i < block; ++i) top = std::max(top, ids[first + i]);
    else
      top = *std::max_element(ids + first, ids + count);
    if (!beyond(top)) continue;
    const Id* bad = std::find_if(ids + first, ids + count, beyond);
    throw Error("data.9",
                "ids below the vocabulary of " + std::to_string(vocabulary) + " in '" + file.string() + "'",
                "id " + std::to_string(*bad) + " at token " + std::to_string(bad - ids),
                "use the model's own tokenizer, or a model with a larger vocabulary");
  }
}

template <class Id>
void widen(const std::byte* from, std::span<std::int64_t> ids) {
  const auto* narrow = reinterpret_cast<const Id*>(from);
  std::copy(narrow, narrow + ids.size(), ids.begin());
}

}  // namespace

Tokens::Tokens(const std::filesystem::path& file, std::int64_t vocabulary)
    : file_(file, "a token file"), ids_(file_.bytes()), vocabulary_(vocabulary) {
  if (const auto format = find_llmc(ids_, file)) {
    check_count(ids_, *format, file);
    width_ = format->width;
    ids_ = ids_.subspan(header_bytes);
  } else {
    check_raw(ids_, vocabulary, file);
  }
  width_ == 2 ? check_ids<std::uint16_t>(ids_, vocabulary, file)
              : check_ids<std::uint32_t>(ids_, vocabulary, file);
}

void Tokens::read(std::uint64_t first, std::span<std::int64_t> ids) const {
  detail::check_read(first, ids.size(), size());
  const std::byte* from = ids_.data() + first * width_;
  width_ == 2 ? widen<std::uint16_t>(from, ids) : widen<std::uint32_t>(from, ids);
}

}  // namespace ashlar::data
