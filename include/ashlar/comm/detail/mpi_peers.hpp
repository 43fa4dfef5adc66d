// Peers: the messages between the processes of an MPI job. Each carries, in its tag, the call that it belongs
// to, so a rank that calls another thing than its neighbour finds out from the first message that arrives.
//
// All communicators of a process share one Peers, and every collective starts with a message from each rank
// to the next (a broadcast: from each but the last). So the ranks' calls are compared in their order, across
// communicators, and to the end of the program, which is a collective too. A tag costs nothing. Whoever waits
// polls, as MPI itself does, naps when that takes long, and after some seconds says for whom.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#define OMPI_SKIP_MPICXX 1  // the C interface only
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <ashlar/comm/during.hpp>

namespace ashlar::comm::detail {

enum class Operation { all_gather, reduce_scatter, all_reduce, broadcast, barrier, make, end };

class Peers {
 public:
  using Bytes = std::int64_t;

  // Of this process; starts MPI.
  static Peers& get();

  int rank() const { return rank_; }
  int size() const { return size_; }
  int next() const { return (rank_ + 1) % size_; }
  int previous() const { return (rank_ + size_ - 1) % size_; }

  // The next collective: what follows belongs to it. `communicator`: its number, as make() gave it.
  void begin(Operation, int communicator);

  // At most 2^31 - 1 bytes each, in order between any two ranks.
  void send(const std::byte* from, Bytes length, int to);
  void receive(std::byte* to, Bytes length, int from);

  // Waits for the earliest of receive() that is still under way, or for all of send().
  //   [ashlar.comm.6]   MPI failed
  //   [ashlar.comm.17]  another rank calls something else
  void arrive();
  void finish_sends();

  // Collective. When it returns all ranks have called it.
  void barrier(Operation, int communicator);

  int make();  // a new communicator's number; collective
  void end();  // of the program; collective

  // How long a rank waits before it says so; twice as long the next time.
  void tell_waits_after(std::chrono::milliseconds time) { patience_ = time; }

  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

 private:
  friend class Runtime;
  struct Receive {
    MPI_Request request;
    Bytes length;
    int from;
  };

  Peers();

  template <class Done>
  void poll(Done&& done, int on);
  void tell(int on, std::chrono::milliseconds) const;
  int tag() const;
  void expect(const MPI_Status&, const Receive&, bool truncated);
  void give_up();

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
  int made_ = 0;
  Operation operation_ = Operation::barrier;
  int communicator_ = 0;
  unsigned sequence_ = 0;
  std::vector<MPI_Request> sends_;
  std::vector<Receive> receives_;
  std::size_t arrived_ = 0;  // of receives_
  std::chrono::milliseconds patience_{10'000};
};

}  // namespace ashlar::comm::detail
