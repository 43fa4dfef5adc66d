// What every communicator asks of the tensors it is handed, so that all of them refuse the same mistakes.
#pragma once

#include <cstdint>

#include <ashlar/tensor.hpp>

namespace ashlar::comm::detail {

enum class Memory { any, host, device };

// Throw ashlar::Error; `what` names the collective in the sentence.
//   [ashlar.comm.1]  undefined, or not contiguous
//   [ashlar.comm.2]  two dtypes, or one that cannot be summed
//   [ashlar.comm.3]  whole is not size() parts
//   [ashlar.comm.4]  memory that this communicator cannot reach
//   [ashlar.comm.5]  part overlaps a piece of whole that is not this rank's; root outside the world
void expect_pieces(const char* what, const Tensor& whole, const Tensor& part, int rank, int size, Memory);
void expect_tensor(const char* what, const Tensor& tensor, Memory);
void expect_root(int root, int size);

// Copies unless both are the same memory. Same number of elements, same dtype.
void copy_unless_same(const Tensor& to, const Tensor& from);

}  // namespace ashlar::comm::detail
