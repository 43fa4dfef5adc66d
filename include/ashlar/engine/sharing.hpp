// Sharing: which tensors of a model's torch modules lie in one another's memory, by views of one storage.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include <ashlar/tensor.hpp>

namespace ashlar {

// The bytes [begin, end) of its storage between which a tensor lies.
std::pair<long, long> bytes_in_storage(const Tensor& tensor);

class Sharing {
 public:
  void meet(std::string name, const Tensor& tensor, bool is_parameter);

  // To be called when all have been met. [ashlar.parameter.6]: a parameter that overlaps with another, with a
  // buffer or with itself, which cannot stay so in a flat; or buffers that would have to move to `device`, or
  // to be made contiguous, one by one.
  void check(c10::Device device);

  // Whether it is a buffer that shares memory with another, and so must stay where it is.
  bool stays(const Tensor& buffer) const;

 private:
  struct Entry {
    std::string name;
    Tensor tensor;
    bool is_parameter;
    const void* storage;
    long begin, end;  // bytes of the storage
  };

  std::vector<Entry> entries_;
  std::vector<const void*> staying_;
};

}  // namespace ashlar
