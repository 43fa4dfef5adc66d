#include <ashlar/comm/detail/mpi_peers.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <ashlar/comm/detail/mpi_runtime.hpp>

namespace ashlar::comm::detail {
namespace {

using Clock = std::chrono::steady_clock;

// A tag in the 15 bits that every MPI has: 5 of the call, 3 of the operation, 2 of the communicator and 5 of
// the number of the collective.
struct Tag {
  Joint call;
  Operation operation;
  int communicator;
  int sequence;

  explicit Tag(int bits)
      : call(static_cast<Joint>(bits & 31)),
        operation(static_cast<Operation>(bits >> 5 & 7)),
        communicator(bits >> 8 & 3),
        sequence(bits >> 10 & 31) {}
};

std::string_view name(Operation operation) {
  constexpr std::string_view names[] = {"all_gather()", "reduce_scatter()", "all_reduce()", "broadcast()",
                                        "barrier()",    "comm::Mpi()",      "the end"};
  return names[static_cast<int>(operation)];
}

std::string did_in(const Tag& tag, bool in_detail) {
  if (tag.call == Joint::end) return did(tag.call);
  const std::string words =
      tag.call == Joint::none ? "called " + std::string(name(tag.operation)) : did(tag.call);
  if (!in_detail || tag.call == Joint::none) return words;
  return "called " + std::string(name(tag.operation)) + " in " + std::string(to_string(tag.call));
}

// In the same words on both ranks.
Error different(const Tag& theirs, int other, const Tag& own, int rank) {
  const bool in_detail = theirs.call == own.call;
  std::string a = did_in(theirs, in_detail), b = did_in(own, in_detail);
  if (a == b && theirs.communicator != own.communicator) {
    a += " of its communicator " + std::to_string(theirs.communicator);
    b += " of its communicator " + std::to_string(own.communicator);
  } else if (a == b && theirs.sequence != own.sequence) {
    a += " out of turn";
    b += " out of turn";
  } else if (a == b) {
    a += other > rank ? " of one size" : " of another size";
    b += other > rank ? " of another size" : " of one size";
  }
  return different_calls(other, a, rank, b);
}

}  // namespace

Peers& Peers::get() {
  start_mpi();
  static Peers& peers = *new Peers;  // until the process ends: the end is a collective
  return peers;
}

Peers::Peers() {
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
}

void Peers::begin(Operation operation, int communicator) {
  operation_ = operation;
  communicator_ = communicator;
  ++sequence_;
  receives_.clear();
  arrived_ = 0;
}

int Peers::tag() const {
  const Joint call = operation_ == Operation::end ? Joint::end : now().current();
  return static_cast<int>(call) | static_cast<int>(operation_) << 5 | (communicator_ & 3) << 8 |
         static_cast<int>(sequence_ & 31) << 10;
}

void Peers::send(const std::byte* from, Bytes length, int to) {
  sends_.emplace_back(MPI_REQUEST_NULL);
  check_mpi(MPI_Isend(from, static_cast<int>(length), MPI_BYTE, to, tag(), comm_, &sends_.back()),
            "MPI_Isend");
}

// Of any tag: messages between two ranks arrive in order, so the next one is the one that is expected, or it
// belongs to another call.
void Peers::receive(std::byte* to, Bytes length, int from) {
  receives_.push_back({MPI_REQUEST_NULL, length, from});
  check_mpi(
      MPI_Irecv(to, static_cast<int>(length), MPI_BYTE, from, MPI_ANY_TAG, comm_, &receives_.back().request),
      "MPI_Irecv");
}

void Peers::arrive() {
  Receive& next = receives_[arrived_];
  MPI_Status status{};
  int code = MPI_SUCCESS, error_class = MPI_SUCCESS;
  poll(
      [&] {
        int done = 0;
        code = MPI_Test(&next.request, &done, &status);
        return done != 0 || code != MPI_SUCCESS;
      },
      next.from);
  ++arrived_;
  if (code != MPI_SUCCESS) MPI_Error_class(code, &error_class);
  const bool truncated = error_class == MPI_ERR_TRUNCATE;
  if (!truncated) check_mpi(code, "MPI_Test");
  expect(status, next, truncated);
}

void Peers::expect(const MPI_Status& status, const Receive& wanted, bool truncated) {
  int length = 0;
  MPI_Get_count(&status, MPI_BYTE, &length);
  if (status.MPI_TAG == tag() && length == wanted.length && !truncated) return;
  const Error error = different(Tag(status.MPI_TAG), wanted.from, Tag(tag()), rank_);
  give_up();
  throw error;
}

void Peers::finish_sends() {
  int code = MPI_SUCCESS;
  poll(
      [&] {
        int done = 0;
        code = MPI_Testall(static_cast<int>(sends_.size()), sends_.data(), &done, MPI_STATUSES_IGNORE);
        return done != 0 || code != MPI_SUCCESS;
      },
      next());
  check_mpi(code, "MPI_Testall");
  sends_.clear();
}

// Before an exception gives back the memory that messages go from and to. Receives that nothing has come for
// are cancelled; the rest gets a moment to finish, and with it the others learn what this rank called.
void Peers::give_up() {
  std::vector<MPI_Request> open = std::move(sends_);
  sends_.clear();
  for (; arrived_ < receives_.size(); ++arrived_) {
    MPI_Cancel(&receives_[arrived_].request);
    open.push_back(receives_[arrived_].request);
  }
  int done = 0;
  for (const auto start = Clock::now(); !done && Clock::now() - start < std::chrono::milliseconds(500);)
    if (MPI_Testall(static_cast<int>(open.size()), open.data(), &done, MPI_STATUSES_IGNORE) != MPI_SUCCESS)
      break;
}

// MPI moves data only inside its calls, and a call that blocks could not say that it waits. Where MPI yields
// the processor when idle, each call of done() does. A rank that has waited for milliseconds naps between
// calls, in proportion, and so leaves its core to those whom it waits for.
template <class Done>
void Peers::poll(Done&& done, int on) {
  using namespace std::chrono_literals;
  if (done()) return;
  for (const auto start = Clock::now(); !done();) {
    const auto waited = Clock::now() - start;
    if (waited > patience_) {
      tell(on, std::chrono::duration_cast<std::chrono::milliseconds>(waited));
      patience_ *= 2;
    }
    if (waited > 2ms) std::this_thread::sleep_for(std::min<Clock::duration>(waited / 64, 250us));
  }
}

void Peers::tell(int on, std::chrono::milliseconds waited) const {
  const Tag own(tag());
  const auto what = own.call == Joint::none ? name(own.operation) : to_string(own.call);
  const std::string line = "rank " + std::to_string(rank_) + ": " + std::string(what) + " has waited " +
                           std::to_string(waited.count() / 1000) + " s for rank " + std::to_string(on) + "\n";
  std::fputs(line.c_str(), stderr);
}

// In round k each rank hears from the one 2^k before it, which has heard from as many as that.
void Peers::barrier(Operation operation, int communicator) {
  begin(operation, communicator);
  for (int distance = 1; distance < size_; distance *= 2) {
    receive(nullptr, 0, (rank_ + size_ - distance) % size_);
    send(nullptr, 0, (rank_ + distance) % size_);
    arrive();
  }
  finish_sends();
}

int Peers::make() {
  barrier(Operation::make, made_);
  return made_++;
}

void Peers::end() {
  barrier(Operation::end, 0);
}

}  // namespace ashlar::comm::detail
