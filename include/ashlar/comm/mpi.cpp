#include <ashlar/comm/mpi.hpp>

#define OMPI_SKIP_MPICXX 1  // the C interface only
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ashlar/comm/detail/mpi_runtime.hpp>
#include <ashlar/comm/detail/operands.hpp>
#include <ashlar/comm/detail/sum.hpp>

namespace ashlar::comm {
namespace {

using detail::check_mpi;
using Bytes = std::int64_t;

// Why rings of our own, which block. Milliseconds for 40 and 160 MB of float32, Open MPI 4.1, 2 busy cores:
//                               2 processes   4 processes
//   reduce_scatter, ring below       13    49      28    65
//   MPI_Reduce_scatter_block         43   259      76   323
//   MPI_Ireduce_scatter_block        36   203      88   227
//   all_gather, ring below           11    37      21    48
//   MPI_Allgather                    11    37      22    68
//   MPI_Iallgather                   11    37      21    46
// They also need no scratch of the tensor's size, and no count that must fit an int.
constexpr Bytes segment = 1 << 20;  // rings move this much at a time, so that sums find their data in cache
constexpr Bytes small = 64 << 10;   // up to here latency counts, and MPI's trees beat a ring
constexpr Bytes max_message = 1 << 30;
constexpr int tag = 0;

std::byte* bytes_of(const Tensor& tensor) {
  return static_cast<std::byte*>(tensor.data_ptr());
}

}  // namespace

struct Mpi::State {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;
  std::vector<MPI_Request> sends;
  std::vector<MPI_Request> receives;
  std::vector<std::byte> scratch;  // two segments; at least `small`

  State() {
    detail::start_mpi();
    check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm), "MPI_Comm_dup");
    check_mpi(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    check_mpi(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(comm, &size), "MPI_Comm_size");
    scratch.resize(static_cast<std::size_t>(std::max(2 * segment, small)));
  }

  // Freeing is collective, so not while an exception unwinds: the other ranks may be elsewhere.
  ~State() {
    if (!detail::mpi_has_ended() && std::uncaught_exceptions() == 0) MPI_Comm_free(&comm);
  }

  State(const State&) = delete;
  State& operator=(const State&) = delete;

  int next() const { return (rank + 1) % size; }
  int previous() const { return (rank + size - 1) % size; }

  // Piece i of a buffer: all equal for all_gather and reduce_scatter, as even as elements allow for
  // all_reduce.
  struct Pieces {
    Bytes total;
    Bytes item;
    int count;

    Bytes begin(int i) const { return total / item * i / count * item; }
    Bytes end(int i) const { return begin(i + 1); }
  };

  // The segments that arrive in one turn round the ring, in order. In step s, 0 <= s < size - 1, the piece
  // `lag` + s places before this rank's comes from the previous rank; the next one has been sent the piece
  // before that.
  struct Arrivals {
    const State& state;
    const Pieces& pieces;
    int lag;
    int step = 0;
    Bytes at = 0;

    struct Segment {
      int step;
      Bytes begin;
      Bytes end;
    };

    int piece() const { return (state.rank + 2 * state.size - lag - step) % state.size; }

    std::optional<Segment> next() {
      for (; step < state.size - 1; ++step, at = 0) {
        const Bytes begin = pieces.begin(piece()) + at, end = pieces.end(piece());
        if (begin == end) continue;
        const Bytes length = std::min(segment, end - begin);
        at += length;
        return Segment{step, begin, begin + length};
      }
      return std::nullopt;
    }
  };

  void send(const std::byte* from, Bytes length) {
    sends.emplace_back(MPI_REQUEST_NULL);
    check_mpi(MPI_Isend(from, static_cast<int>(length), MPI_BYTE, next(), tag, comm, &sends.back()),
              "MPI_Isend");
  }

  void send_piece(const std::byte* from, Bytes length) {
    for (Bytes at = 0; at < length; at += segment) send(from + at, std::min(segment, length - at));
  }

  MPI_Request receive(std::byte* to, Bytes length) {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Irecv(to, static_cast<int>(length), MPI_BYTE, previous(), tag, comm, &request),
              "MPI_Irecv");
    return request;
  }

  void finish_sends() {
    check_mpi(MPI_Waitall(static_cast<int>(sends.size()), sends.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
    sends.clear();
  }

  // Leaves the sum of piece `rank` at `result`, and partial sums in the rest of `data`. Each segment that
  // arrives is added to this rank's and sent on at once, so sums and transfers of different segments overlap.
  // Piece p is summed in the order p + 1, p + 2, ..., p: two addends commute, so a world of two is exact to
  // the bit.
  void ring_reduce(std::byte* data, std::byte* result, const Pieces& pieces, detail::Sum add) {
    send_piece(data + pieces.begin(previous()), pieces.end(previous()) - pieces.begin(previous()));
    std::byte* buffers[2] = {scratch.data(), scratch.data() + segment};
    Arrivals arrivals{*this, pieces, 2};
    const auto post = [&](const auto& s) {
      return s ? receive(buffers[0], s->end - s->begin) : MPI_REQUEST_NULL;
    };
    auto arriving = arrivals.next();
    MPI_Request request = post(arriving);
    while (arriving) {
      const auto [step, begin, end] = *arriving;
      check_mpi(MPI_Wait(&request, MPI_STATUS_IGNORE), "MPI_Wait");
      const std::byte* arrived = buffers[0];
      std::swap(buffers[0], buffers[1]);
      arriving = arrivals.next();
      request = post(arriving);
      const bool last = step == size - 2;
      std::byte* out = last ? result + (begin - pieces.begin(rank)) : data + begin;
      add(out, data + begin, arrived, end - begin);
      if (!last) send(out, end - begin);
    }
    finish_sends();
  }

  // Fills `data` with every rank's piece; this rank's comes from `own`.
  void ring_gather(std::byte* data, const std::byte* own, const Pieces& pieces) {
    Arrivals arrivals{*this, pieces, 1};
    receives.clear();
    for (auto expected = arrivals; const auto s = expected.next();)
      receives.push_back(receive(data + s->begin, s->end - s->begin));
    send_piece(own, pieces.end(rank) - pieces.begin(rank));
    for (std::size_t i = 0; i < receives.size(); ++i) {
      const auto [step, begin, end] = *arrivals.next();
      check_mpi(MPI_Wait(&receives[i], MPI_STATUS_IGNORE), "MPI_Wait");
      if (step < size - 2) send(data + begin, end - begin);
    }
    finish_sends();
    if (own != data + pieces.begin(rank))
      std::memcpy(data + pieces.begin(rank), own,
                  static_cast<std::size_t>(pieces.end(rank) - pieces.begin(rank)));
  }

  // Every rank gathers all addends and sums them in the order of ranks.
  void small_reduce(std::byte* data, Bytes length, detail::Sum add) {
    check_mpi(MPI_Allgather(data, static_cast<int>(length), MPI_BYTE, scratch.data(),
                            static_cast<int>(length), MPI_BYTE, comm),
              "MPI_Allgather");
    for (int r = 1; r < size; ++r) add(scratch.data(), scratch.data(), scratch.data() + r * length, length);
    std::memcpy(data, scratch.data(), static_cast<std::size_t>(length));
  }
};

Mpi::Mpi() : state_(std::make_unique<State>()) {}
Mpi::~Mpi() = default;
Mpi::Mpi(Mpi&&) noexcept = default;
Mpi& Mpi::operator=(Mpi&&) noexcept = default;

int Mpi::rank() const {
  return state_->rank;
}
int Mpi::size() const {
  return state_->size;
}

void Mpi::barrier() {
  check_mpi(MPI_Barrier(state_->comm), "MPI_Barrier");
}

Mpi::Work Mpi::all_gather(const Tensor& whole, const Tensor& part) {
  detail::expect_pieces("all_gather", whole, part, rank(), size(), detail::Memory::host);
  const auto length = static_cast<Bytes>(part.nbytes());
  std::byte* const data = bytes_of(whole);
  const std::byte* const own = bytes_of(part);
  if (size() == 1) {
    detail::copy_unless_same(whole, part);
    return {};
  }
  if (length * size() > small) {
    state_->ring_gather(data, own, {length * size(), length, size()});
    return {};
  }
  const void* from = own == data + length * rank() ? MPI_IN_PLACE : own;
  const int count = static_cast<int>(length);
  check_mpi(MPI_Allgather(from, count, MPI_BYTE, data, count, MPI_BYTE, state_->comm), "MPI_Allgather");
  return {};
}

Mpi::Work Mpi::reduce_scatter(const Tensor& part, const Tensor& whole) {
  detail::expect_pieces("reduce_scatter", whole, part, rank(), size(), detail::Memory::host);
  const auto add = detail::sum_for("reduce_scatter", whole);
  const auto length = static_cast<Bytes>(part.nbytes());
  if (size() == 1)
    detail::copy_unless_same(part, whole);
  else if (length > 0)
    state_->ring_reduce(bytes_of(whole), bytes_of(part), {length * size(), length, size()}, add);
  return {};
}

Mpi::Work Mpi::all_reduce(const Tensor& tensor) {
  detail::expect_tensor("all_reduce", tensor, detail::Memory::host);
  const auto add = detail::sum_for("all_reduce", tensor);
  const auto length = static_cast<Bytes>(tensor.nbytes());
  std::byte* const data = bytes_of(tensor);
  if (size() == 1 || length == 0) return {};
  if (length * size() <= small) {
    state_->small_reduce(data, length, add);
    return {};
  }
  const State::Pieces pieces{length, static_cast<Bytes>(tensor.itemsize()), size()};
  state_->ring_reduce(data, data + pieces.begin(rank()), pieces, add);
  state_->ring_gather(data, data + pieces.begin(rank()), pieces);
  return {};
}

Mpi::Work Mpi::broadcast(const Tensor& tensor, int root) {
  detail::expect_tensor("broadcast", tensor, detail::Memory::host);
  detail::expect_root(root, size());
  const auto length = static_cast<Bytes>(tensor.nbytes());
  for (Bytes at = 0; at < length; at += max_message) {
    const int count = static_cast<int>(std::min(max_message, length - at));
    check_mpi(MPI_Bcast(bytes_of(tensor) + at, count, MPI_BYTE, root, state_->comm), "MPI_Bcast");
  }
  return {};
}

void Mpi::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::abort();  // where MPI could not
}

}  // namespace ashlar::comm
