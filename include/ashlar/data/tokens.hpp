// Tokens: a file of token ids that a tokenizer wrote before, read through memory mapping.
//
//   nanoGPT  NAME.bin            uint16 ids and nothing else; told by the file's name, as it has no mark of
//   its own llm.c    magic 20240520, v1  header of 256 int32 {magic, version, count}, then uint16 ids (GPT-2)
//   llm.c    magic 20240801, v7  the same header, then uint32 ids (Llama 3)
// Ids of uint32 without a header are refused: read as uint16, every second one would be 0. All little-endian.
// The sources of the layouts: nanoGPT data/*/prepare.py, llm.c dev/data/data_common.py.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include <ashlar/data/detail/mapped_file.hpp>
#include <ashlar/data/source.hpp>

namespace ashlar::data {

// `vocabulary` is the model's: ids beyond it would index outside of the embedding, so that the constructor
// reads the whole file once (at the speed of memory or disk) and refuses them.
//   [ashlar.data.7]  a format it does not know   [ashlar.data.8]  fewer or more ids than the header says
//   [ashlar.data.9]  an id outside the vocabulary; and those of a file: [ashlar.data.1] to [ashlar.data.4]
class Tokens {
 public:
  Tokens(const std::filesystem::path& file, std::int64_t vocabulary);

  std::uint64_t size() const { return ids_.size() / width_; }
  std::int64_t vocabulary() const { return vocabulary_; }
  void read(std::uint64_t first, std::span<std::int64_t> ids) const;

 private:
  detail::MappedFile file_;
  std::span<const std::byte> ids_;  // within file_, behind the header
  std::size_t width_ = 2;           // bytes an id
  std::int64_t vocabulary_;
};

static_assert(source<Tokens>);

}  // namespace ashlar::data
