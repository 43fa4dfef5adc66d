// What two programs of one comparison begin with: weights and batches, in a safetensors file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <ashlar/error.hpp>
#include <ashlar/state/safetensors.hpp>

namespace ashlar::bench {

struct Named {
  std::string name, dtype;  // dtype as the format names it
  Tensor tensor;            // on the CPU, contiguous
};

inline void write(const std::filesystem::path& file, const std::vector<Named>& tensors) {
  state::SafetensorsHead head;
  std::uint64_t end = 0;
  for (const auto& [name, dtype, tensor] : tensors) {
    const std::uint64_t begin = end;
    end += tensor.nbytes();
    head.tensors.push_back({name, dtype, tensor.sizes().vec(), begin, end});
  }
  std::ofstream out(file, std::ios::binary);
  out << state::encode(head);
  for (const Named& named : tensors)
    out.write(static_cast<const char*>(named.tensor.data_ptr()),
              static_cast<std::streamsize>(named.tensor.nbytes()));
  if (!out.flush())
    throw Error("bench.3", "to write " + file.string(), "a failure", "free the disk or name another file");
}

}  // namespace ashlar::bench
