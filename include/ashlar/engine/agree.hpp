// agree: every rank runs the same program on the same model, or every rank says what differs, before anything
// hangs.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ashlar/concepts/communicator.hpp>
#include <ashlar/model/tensors.hpp>
#include <ashlar/plan/census.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar {

// What the ranks must share, in words: the parts of a trainer by name.
struct Identity {
  std::string strategy, model, recipe, schedule;
};

namespace detail {
// `words` cut and padded to the same length on every rank: 1D, uint8.
Tensor encode(const Identity& identity, c10::Device device);
// Throws Error naming the first rank and part that differ from rank 0. `all`: each rank's encoding in turn.
void compare(const Tensor& all, int world);
}  // namespace detail

// `shapes`: of all parameters and buffers, in words.
Identity identify(const Plan& plan, const Census& census, const std::string& shapes, std::string recipe,
                  std::string schedule);

// Such words: "layers.0.weight (4, 6), layers.0.bias (6), ".
std::string shapes_in_words(const std::vector<ModelTensor>& tensors);

// FNV-1a of a text (Fowler, Noll, Vo), in hexadecimal: names what is too long to show.
std::string fingerprint(std::string_view text);

template <has_all_gather Comm>
void agree(Comm& comm, c10::Device device, const Identity& identity) {
  const Tensor own = detail::encode(identity, device);
  Tensor all = own.repeat({comm.size()});
  comm.all_gather(all, own).wait();
  detail::compare(all, comm.size());
}

// Where a communicator's tensors live: the CUDA device that it names, or else the CPU.
template <communicator Comm>
c10::Device device_of(Comm& comm) {
  if constexpr (requires { comm.device(); })
    return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(comm.device()));
  else
    return c10::Device(c10::kCPU);
}

}  // namespace ashlar
