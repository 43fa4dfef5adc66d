// Text: the bytes of a file are the tokens; nothing to install, no tokenizer, any language.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ashlar/data/detail/mapped_file.hpp>
#include <ashlar/data/source.hpp>

namespace ashlar::data {

// Memory-mapped: the file costs page cache, not memory of the process. Errors: [ashlar.data.1] to
// [ashlar.data.4].
class Text {
 public:
  explicit Text(const std::filesystem::path& file);

  std::uint64_t size() const;  // bytes, which are tokens
  std::int64_t vocabulary() const { return 256; }
  void read(std::uint64_t first, std::span<std::int64_t> ids) const;

  // For prompts and samples. to_text keeps the low byte of an id; broken UTF-8 passes through as it is.
  static std::vector<std::int64_t> to_ids(std::string_view text);
  static std::string to_text(std::span<const std::int64_t> ids);

 private:
  detail::MappedFile file_;
};

static_assert(source<Text>);

}  // namespace ashlar::data
