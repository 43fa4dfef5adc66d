#include <ashlar/comm/detail/operands.hpp>

#include <string>

#include <ATen/core/Tensor.h>

#include <ashlar/error.hpp>

namespace ashlar::comm::detail {
namespace {

using std::to_string;

std::string count(std::int64_t n) {
  return to_string(n) + (n == 1 ? " element" : " elements");
}

}  // namespace

void expect_tensor(const char* what, const Tensor& tensor, Memory memory) {
  if (!tensor.defined())
    throw Error("comm.1", std::string("a tensor for ") + what, "an undefined one", "allocate it first");
  if (!tensor.is_contiguous())
    throw Error("comm.1", std::string("a contiguous tensor for ") + what,
                "one with strides " + c10::str(tensor.strides()), "call contiguous() before");
  if (memory == Memory::host && !tensor.is_cpu())
    throw Error("comm.4", "a CPU tensor", "one on " + tensor.device().str(),
                "use comm::Nccl for CUDA tensors");
  if (memory == Memory::device && !tensor.is_cuda())
    throw Error("comm.4", "a CUDA tensor", "one on " + tensor.device().str(),
                "use comm::Mpi for CPU tensors");
}

void expect_pieces(const char* what, const Tensor& whole, const Tensor& part, int rank, int size,
                   Memory memory) {
  expect_tensor(what, whole, memory);
  expect_tensor(what, part, memory);
  if (whole.scalar_type() != part.scalar_type())
    throw Error("comm.2", std::string("whole and part of one dtype for ") + what,
                std::string(c10::toString(whole.scalar_type())) + " and " + c10::toString(part.scalar_type()),
                "convert one of them before");
  if (whole.numel() != part.numel() * size)
    throw Error("comm.3",
                "a whole of " + count(part.numel() * size) + ", " + to_string(size) + " parts of " +
                    count(part.numel()),
                count(whole.numel()), "pad the tensor to a multiple of the world size");
  const auto* begin = static_cast<const char*>(whole.const_data_ptr());
  const auto* piece = static_cast<const char*>(part.const_data_ptr());
  const auto bytes = static_cast<std::int64_t>(part.nbytes());
  const bool apart = piece + bytes <= begin || begin + bytes * size <= piece;
  if (bytes > 0 && !apart && piece != begin + bytes * rank)
    throw Error("comm.5", "a part that is this rank's piece of whole or lies outside it",
                "one that overlaps another piece in " + std::string(what),
                "take whole.narrow(0, " + to_string(rank) + " * n, n)");
}

void expect_root(int root, int size) {
  if (root < 0 || root >= size)
    throw Error("comm.5", "a root from 0 to " + to_string(size - 1), to_string(root),
                "name a rank of this world");
}

void copy_unless_same(const Tensor& to, const Tensor& from) {
  if (to.const_data_ptr() != from.const_data_ptr()) to.view(-1).copy_(from.view(-1));
}

}  // namespace ashlar::comm::detail
