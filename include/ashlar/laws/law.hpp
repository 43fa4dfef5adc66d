// Law: what a policy promises beyond its signatures, and how every rank learns that it was broken.
//
// Each axis has its laws in a header of its own. Who writes a policy runs them with it in one line:
//
//     laws::shard<MyShard>(comm);                         // every rank calls it
//     static_assert(laws::precision<MyPrecision>());
//     static_assert(laws::wrap<MyWrap, Model>());
//     laws::checkpoint<MyCheckpoint>(comm);
//
// They return true, or throw an Error that names the law and has the numbers that broke it.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include <ashlar/concepts/communicator.hpp>
#include <ashlar/engine/agree.hpp>
#include <ashlar/error.hpp>

namespace ashlar::laws {

struct Law {
  std::string id, sentence, remedy;  // an Error's: id, what was expected, what to do
};

// What is wrong with `got`, in words: its first element that is further from `due` than `tolerance`, or its
// type or size. Empty if nothing is.
std::string difference(const Tensor& got, const Tensor& due, double tolerance = 0);

// What rank r holds: integers from 0 to 6, so that sums are exact in every type and order.     1D, numel
Tensor held(int rank, long numel, c10::Device device);

namespace detail {
Tensor encode(const std::string& complaint, c10::Device device);
void refuse(const Law& law, const Tensor& complaints, int world);  // throws if one is not empty
}  // namespace detail

// Throws Error on every rank if one of them complains, so that none waits for a rank that has left.
// Collective.
template <has_all_gather Comm>
void uphold(Comm& comm, const Law& law, const std::string& complaint) {
  const Tensor own = detail::encode(complaint, device_of(comm));
  Tensor all = own.repeat({comm.size()});
  comm.all_gather(all, own).wait();
  detail::refuse(law, all, comm.size());
}

}  // namespace ashlar::laws
