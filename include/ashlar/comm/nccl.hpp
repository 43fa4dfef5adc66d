// Nccl: CUDA tensors between GPUs, one process a GPU, through NCCL alone.
//
// Streams. Two lanes, each an NCCL communicator with a high-priority stream of its own: all-gathers and
// broadcasts take one, sums the other, so that a reduce-scatter never queues behind an all-gather. A
// collective starts after what the caller's current stream held when it was called; Work::wait() makes the
// caller's current stream wait for it. The host waits nowhere but in barrier(). All of it can be captured in
// a CUDA graph.
//
// Memory. Tensors are used on the lanes' streams and nobody calls record_stream: they must not be freed or
// overwritten before wait(). The engine's buffers live as long as the engine. Work must not outlive the Nccl
// it came from.
//
// Ownership. Sets the thread's CUDA device first, then makes streams, events and communicators. Making and
// destroying one is collective. Between them a thread watches for ranks that are lost, or that make other
// calls than this one, and then ends this process with one sentence: see detail/rendezvous.hpp. Calls come
// from one thread at a time.
#pragma once

#include <memory>
#include <string_view>

#include <ashlar/comm/launch.hpp>
#include <ashlar/concepts/communicator.hpp>

namespace ashlar::comm {

// Throws ashlar::Error: comm.1 to comm.5 as in detail/operands.hpp, comm.11, comm.13 and comm.18
// as in detail/rendezvous.hpp, and
//   [ashlar.comm.15]  no GPU for this rank
//   [ashlar.comm.16]  CUDA or NCCL failed; says what it says
// Sums take the dtypes that Mpi sums, all_gather and broadcast every dtype. Sums of bfloat16 and float16 are
// rounded after each addition, in an order that NCCL chooses: the same on each rank and from run to run on
// the same machines.
class Nccl {
  struct State;
  struct Event;

 public:
  static constexpr std::string_view name = "Nccl";
  static constexpr bool capturable = true;

  // One CUDA event, taken from a pool and given back.
  class [[nodiscard]] Work {
   public:
    Work() = default;
    Work(Work&&) noexcept;
    Work& operator=(Work&&) noexcept;
    ~Work();

    void wait();

   private:
    friend class Nccl;
    explicit Work(Event* event) : event_(event) {}

    Event* event_ = nullptr;
  };

  explicit Nccl(const Launch& = launch());
  ~Nccl();
  Nccl(Nccl&&) noexcept;
  Nccl& operator=(Nccl&&) noexcept;

  int rank() const;
  int size() const;
  int device() const;  // its CUDA index: local_rank, or 0 where the launcher shows each process one GPU only
  void barrier();      // returns when all ranks are here and their earlier sums have run

  // Memory of so many bytes that is fastest to gather into: on one host the copy engines write it, which
  // takes no multiprocessor away from arithmetic. Collective, and so is its end, before that of its Nccl.
  Tensor gather_memory(long bytes);  // (bytes), uint8, zero

  Work all_gather(const Tensor& whole, const Tensor& part);
  Work reduce_scatter(const Tensor& part, const Tensor& whole);
  Work all_reduce(const Tensor& tensor);
  Work broadcast(const Tensor& tensor, int root);

 private:
  std::unique_ptr<State> state_;
};

static_assert(trainer_communicator<Nccl> && has_reduce_scatter<Nccl>);

}  // namespace ashlar::comm
