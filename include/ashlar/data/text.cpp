#include <ashlar/data/text.hpp>

#include <range/v3/algorithm/transform.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/transform.hpp>

namespace ashlar::data {

Text::Text(const std::filesystem::path& file) : file_(file, "a text") {}

std::uint64_t Text::size() const {
  return file_.bytes().size();
}

void Text::read(std::uint64_t first, std::span<std::int64_t> ids) const {
  detail::check_read(first, ids.size(), size());
  ranges::transform(file_.bytes().subspan(first, ids.size()), ids.begin(),
                    [](std::byte byte) { return std::to_integer<std::int64_t>(byte); });
}

std::vector<std::int64_t> Text::to_ids(std::string_view text) {
  return text | ranges::views::transform([](char c) { return std::int64_t{static_cast<unsigned char>(c)}; }) |
         ranges::to<std::vector>();
}

std::string Text::to_text(std::span<const std::int64_t> ids) {
  return ids | ranges::views::transform([](std::int64_t id) { return static_cast<char>(id); }) |
         ranges::to<std::string>();
}

}  // namespace ashlar::data
