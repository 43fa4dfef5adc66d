// The head of a safetensors file, written and read strictly; what is not exactly right is refused.
//
// Layout: u64 little-endian N; N bytes of JSON, {"name": {"dtype", "shape", "data_offsets": [begin, end]},
// ...,
// "__metadata__": {text: text}}, padded with spaces to a multiple of 8; then the data, which the offsets
// count from and cover in order, without holes or overlap. Source: github.com/huggingface/safetensors,
// README.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::state {

struct StoredTensor {
  std::string name;
  std::string dtype;  // F64 F32 BF16 F16 I64 I32 I16 U8 BOOL
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // bytes within the data
};

struct SafetensorsHead {
  std::vector<StoredTensor> tensors;  // in the order of their data
  std::map<std::string, std::string> metadata;
};

constexpr std::uint64_t max_head_bytes = 100'000'000;  // the format's own limit

// Bytes an element; 0 for a dtype that is not listed above.
std::uint64_t dtype_bytes(std::string_view dtype);

// The length and the JSON, as they stand at the start of a file.
std::string encode(const SafetensorsHead& head);

// `json` without the length before it, of a file with `data_bytes` behind it; `file` names it in errors.
// [ashlar.state.8]: says what is wrong, and in which tensor.
SafetensorsHead decode(std::string_view json, std::uint64_t data_bytes, const std::string& file);

}  // namespace ashlar::state
