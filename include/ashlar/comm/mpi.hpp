// Mpi: CPU tensors between the processes of an MPI job, on one host or several.
//
// Ownership. The first Mpi starts MPI unless the program did, and then MPI also ends with the process; a
// program that called MPI_Init itself calls MPI_Finalize itself. Several can be in use at once. Making one is
// collective, and so is the end of MPI: all ranks make the same calls of all Mpi in the same order, and a
// rank that does not, or that ends before the others are done, ends the job with a sentence.
//
// Threads. One thread at a time; the thread that made the first Mpi, where MPI offers no more than FUNNELED.
#pragma once

#include <memory>
#include <string_view>

#include <ashlar/concepts/communicator.hpp>

namespace ashlar::comm {

// Throws ashlar::Error: comm.1 to comm.5 as in detail/operands.hpp, and
//   [ashlar.comm.6]  MPI failed; says what MPI says
//   [ashlar.comm.7]  the launcher started another number of processes than MPI joined
//   [ashlar.comm.17] another rank called something else
// Whoever waits for another rank says so after 10 seconds.
// all_gather and broadcast take every dtype; sums take float32, float64, bfloat16, float16, int32, int64 and
// uint8 (modulo 256). bfloat16 and float16 are added in float32 and rounded to nearest even after each
// addition. Every rank gets the same bits, and the same call on the same world size gives the same bits
// again. No limit on sizes.
class Mpi {
 public:
  static constexpr std::string_view name = "Mpi";

  // Collectives block: they have run when the call returns. MPI moves data only inside its calls, so its
  // non-blocking ones overlap nothing here, and sum slower (reduce_scatter of 40 MB over 2 processes: see
  // mpi.cpp).
  struct [[nodiscard]] Work {
    void wait() {}
  };

  Mpi();
  ~Mpi();
  Mpi(Mpi&&) noexcept;
  Mpi& operator=(Mpi&&) noexcept;

  int rank() const;
  int size() const;
  void barrier();

  Work all_gather(const Tensor& whole, const Tensor& part);
  Work reduce_scatter(const Tensor& part, const Tensor& whole);
  Work all_reduce(const Tensor& tensor);
  Work broadcast(const Tensor& tensor, int root);

  // Ends every rank of the job now, without unwinding. For a failure that the others cannot learn of.
  [[noreturn]] void abort(int exit_code);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

static_assert(trainer_communicator<Mpi> && has_reduce_scatter<Mpi>);

}  // namespace ashlar::comm
