#include <ashlar/comm/mpi.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ashlar/comm/detail/mpi_peers.hpp>
#include <ashlar/comm/detail/operands.hpp>
#include <ashlar/comm/detail/sum.hpp>

namespace ashlar::comm {
namespace {

using detail::Operation;
using detail::Peers;
using Bytes = Peers::Bytes;

// Why rings of our own, which block. Milliseconds for 40 and 160 MB of float32, Open MPI 4.1, 2 busy cores:
//                               2 processes   4 processes
//   reduce_scatter, ring below       13    49      28    65
//   MPI_Reduce_scatter_block         43   259      76   323
//   MPI_Ireduce_scatter_block        36   203      88   227
//   all_gather, ring below           11    37      21    48
//   MPI_Allgather                    11    37      22    68
//   MPI_Iallgather                   11    37      21    46
// They also need no scratch of the tensor's size, and no count that must fit an int. And MPI's collectives
// cannot say that they wait, or that another rank called another one: see detail/mpi_peers.hpp.
constexpr Bytes segment = 1 << 20;  // rings move this much at a time, so that sums find their data in cache
constexpr Bytes small = 64 << 10;   // up to here latency counts, and fewer, longer messages beat a ring

std::byte* bytes_of(const Tensor& tensor) {
  return static_cast<std::byte*>(tensor.data_ptr());
}

}  // namespace

struct Mpi::State {
  Peers& peers = Peers::get();
  const int number = peers.make();
  const int rank = peers.rank();
  const int size = peers.size();
  std::vector<std::byte> scratch = std::vector<std::byte>(std::max(2 * segment, small));

  void begin(Operation operation) { peers.begin(operation, number); }

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

  void send(const std::byte* from, Bytes length) { peers.send(from, length, peers.next()); }

  void send_piece(const std::byte* from, Bytes length) {
    for (Bytes at = 0; at < length; at += segment) send(from + at, std::min(segment, length - at));
  }

  void receive(std::byte* to, Bytes length) { peers.receive(to, length, peers.previous()); }

  // Leaves the sum of piece `rank` at `result`, and partial sums in the rest of `data`. Each segment that
  // arrives is added to this rank's and sent on at once, so sums and transfers of different segments overlap.
  // Piece p is summed in the order p + 1, p + 2, ..., p: two addends commute, so a world of two is exact to
  // the bit.
  void ring_reduce(std::byte* data, std::byte* result, const Pieces& pieces, detail::Sum add) {
    send_piece(data + pieces.begin(peers.previous()),
               pieces.end(peers.previous()) - pieces.begin(peers.previous()));
    std::byte* buffers[2] = {scratch.data(), scratch.data() + segment};
    Arrivals arrivals{*this, pieces, 2};
    const auto post = [&](const auto& s) {
      if (s) receive(buffers[0], s->end - s->begin);
    };
    auto arriving = arrivals.next();
    post(arriving);
    while (arriving) {
      const auto [step, begin, end] = *arriving;
      peers.arrive();
      const std::byte* arrived = buffers[0];
      std::swap(buffers[0], buffers[1]);
      arriving = arrivals.next();
      post(arriving);
      const bool last = step == size - 2;
      std::byte* out = last ? result + (begin - pieces.begin(rank)) : data + begin;
      add(out, data + begin, arrived, end - begin);
      if (!last) send(out, end - begin);
    }
    peers.finish_sends();
  }

  // Fills `data` with every rank's piece; this rank's comes from `own`.
  void ring_gather(std::byte* data, const std::byte* own, const Pieces& pieces) {
    Arrivals arrivals{*this, pieces, 1};
    for (auto expected = arrivals; const auto s = expected.next();)
      receive(data + s->begin, s->end - s->begin);
    send_piece(own, pieces.end(rank) - pieces.begin(rank));
    while (const auto arriving = arrivals.next()) {
      const auto [step, begin, end] = *arriving;
      peers.arrive();
      if (step < size - 2) send(data + begin, end - begin);
    }
    peers.finish_sends();
    if (own != data + pieces.begin(rank))
      std::memcpy(data + pieces.begin(rank), own,
                  static_cast<std::size_t>(pieces.end(rank) - pieces.begin(rank)));
  }

  // Bruck's gather, for what is small: in scratch then lies, at `d` lengths, what the rank `d` before this
  // one gave. In round k each rank gets from the one 2^k before it all that that one has.
  void small_gather(const std::byte* own, Bytes length) {
    std::memcpy(scratch.data(), own, static_cast<std::size_t>(length));
    for (int have = 1; have < size; have *= 2) {
      const Bytes more = std::min(have, size - have) * length;
      peers.receive(scratch.data() + have * length, more, (rank + size - have) % size);
      peers.send(scratch.data(), more, (rank + have) % size);
      peers.arrive();
    }
    peers.finish_sends();
  }

  const std::byte* gathered_from(int r, Bytes length) const {
    return scratch.data() + (rank + size - r) % size * length;
  }

  // Every rank gathers all addends and sums them in the order of ranks.
  void small_reduce(std::byte* data, Bytes length, detail::Sum add) {
    small_gather(data, length);
    std::memcpy(data, gathered_from(0, length), static_cast<std::size_t>(length));
    for (int r = 1; r < size; ++r) add(data, data, gathered_from(r, length), length);
  }

  // Along a chain that begins at the root.
  void chain(std::byte* data, Bytes length, int root) {
    const bool sends = peers.next() != root;
    if (rank == root) {
      send_piece(data, length);
    } else {
      for (Bytes at = 0; at < length; at += segment) receive(data + at, std::min(segment, length - at));
      for (Bytes at = 0; at < length; at += segment) {
        peers.arrive();
        if (sends) send(data + at, std::min(segment, length - at));
      }
    }
    peers.finish_sends();
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
  state_->peers.barrier(Operation::barrier, state_->number);
}

Mpi::Work Mpi::all_gather(const Tensor& whole, const Tensor& part) {
  detail::expect_pieces("all_gather", whole, part, rank(), size(), detail::Memory::host);
  const auto length = static_cast<Bytes>(part.nbytes());
  std::byte* const data = bytes_of(whole);
  const std::byte* const own = bytes_of(part);
  if (size() == 1) detail::copy_unless_same(whole, part);
  if (size() == 1 || length == 0) return {};
  state_->begin(Operation::all_gather);
  if (length * size() > small) {
    state_->ring_gather(data, own, {length * size(), length, size()});
    return {};
  }
  state_->small_gather(own, length);
  for (int r = 0; r < size(); ++r)
    std::memcpy(data + r * length, state_->gathered_from(r, length), static_cast<std::size_t>(length));
  return {};
}

Mpi::Work Mpi::reduce_scatter(const Tensor& part, const Tensor& whole) {
  detail::expect_pieces("reduce_scatter", whole, part, rank(), size(), detail::Memory::host);
  const auto add = detail::sum_for("reduce_scatter", whole);
  const auto length = static_cast<Bytes>(part.nbytes());
  if (size() == 1) detail::copy_unless_same(part, whole);
  if (size() == 1 || length == 0) return {};
  state_->begin(Operation::reduce_scatter);
  state_->ring_reduce(bytes_of(whole), bytes_of(part), {length * size(), length, size()}, add);
  return {};
}

Mpi::Work Mpi::all_reduce(const Tensor& tensor) {
  detail::expect_tensor("all_reduce", tensor, detail::Memory::host);
  const auto add = detail::sum_for("all_reduce", tensor);
  const auto length = static_cast<Bytes>(tensor.nbytes());
  std::byte* const data = bytes_of(tensor);
  if (size() == 1 || length == 0) return {};
  state_->begin(Operation::all_reduce);
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
  if (size() == 1 || length == 0) return {};
  state_->begin(Operation::broadcast);
  state_->chain(bytes_of(tensor), length, root);
  return {};
}

void Mpi::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::abort();  // where MPI could not
}

}  // namespace ashlar::comm
