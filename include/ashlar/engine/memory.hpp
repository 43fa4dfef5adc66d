// Memory of flats: tensors whose bytes are lent and taken back while every view of them stays what it is.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <optional>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar {

at::ScalarType scalar_type(dtype type);

// 1D, numel, zero.
Tensor zeros(long numel, dtype type, c10::Device device);

// 1D, numel, of any values.
Tensor empty(long numel, dtype type, c10::Device device);

// 1D, numel, zero, on the host of `device`, in pages that a GPU reads and writes by itself. Throws memory.1.
Tensor host_zeros(long numel, dtype type, c10::Device device);

// A copy that is under way. Where both ends lie on the host it was over at once.
class Copy {
 public:
  Copy() = default;
  void wait() const;   // the host does
  void block() const;  // the caller's current stream waits

 private:
  friend class Copies;
  Copy(const Tensor& to, const Tensor& from);

  std::optional<c10::Event> done_;
};

// Copies between a device and its host, one after another, on a stream of their own.
class Copies {
 public:
  explicit Copies(c10::Device device);

  void follow() const;  // what the caller's current stream holds comes before the next copy
  Copy start(const Tensor& to, const Tensor& from) const;

 private:
  std::optional<c10::Stream> stream_;  // none on a CPU
};

// 1D, numel, without bytes: before lend() data_ptr<T>() throws, and a kernel that reads it crashes.
Tensor unbacked(long numel, dtype type, c10::Device device);

// The elements [offset, offset + product of shape) of `flat`, as a tensor of its own that shares its storage
// and so follows it from slot to slot. Not an autograd view: it can be a leaf.
Tensor window(const Tensor& flat, long offset, c10::IntArrayRef shape);

// Lends `flat` the bytes of `slot` from byte `offset` on. The slot must outlive the loan.
void lend(const Tensor& flat, const Tensor& slot, long offset);

// Ends the loan. In builds without NDEBUG the bytes are filled with NaN first, so that a use after it shows.
void take_back(const Tensor& flat);

// sum += the squares of the elements of a 1D tensor, added up in double. `sum`: 0D, float64, on its device.
void add_squares(const Tensor& sum, const Tensor& flat);

}  // namespace ashlar
