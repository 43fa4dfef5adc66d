#include <ashlar/comm/detail/mpi_runtime.hpp>

#define OMPI_SKIP_MPICXX 1  // the C interface only
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <ashlar/comm/detail/mpi_peers.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/launch.hpp>
#include <ashlar/error.hpp>

namespace ashlar::comm::detail {
namespace {

// The processes that the launcher started must be the ones that MPI joined: srun without MPI support, or RANK
// and WORLD_SIZE set by hand without mpirun, would otherwise train as many worlds of one.
void expect_world(Place launched, int size) {
  if (launched.world != size)
    throw Error("comm.7", "an MPI world of " + std::to_string(launched.world) + ", as the environment says",
                std::to_string(size),
                "start the processes with mpirun -np " + std::to_string(launched.world) +
                    ", or with the launcher that this MPI was built for");
}

// MPI itself, once a process. Its communicator carries no tensors: it is for agreement on failures.
class Runtime {
 public:
  static Runtime& get() {
    static Runtime runtime;
    return runtime;
  }

  MPI_Comm agreement = MPI_COMM_NULL;

 private:
  Runtime() {
    int initialised = 0, rank = 0, size = 1;
    MPI_Initialized(&initialised);
    std::optional<Place> launched;
    if (!initialised) {
      launched = place();  // before MPI starts: what MPI sets is not the launcher's word
      int provided = 0;
      check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
      owner_ = true;
    }
    check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &agreement), "MPI_Comm_dup");
    check_mpi(MPI_Comm_set_errhandler(agreement, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    check_mpi(MPI_Comm_rank(agreement, &rank), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(agreement, &size), "MPI_Comm_size");
    if (launched) expect_world(*launched, size);
    join({rank, agree, [](int code) { MPI_Abort(MPI_COMM_WORLD, code); }});
    int key = MPI_KEYVAL_INVALID;
    check_mpi(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, before_end, &key, nullptr),
              "MPI_Comm_create_keyval");
    check_mpi(MPI_Comm_set_attr(MPI_COMM_SELF, key, nullptr), "MPI_Comm_set_attr");
  }

  // MPI_Finalize, whoever calls it, first deletes the attributes of MPI_COMM_SELF. A rank that ends while the
  // others wait for it would wait for them there.
  static int before_end(MPI_Comm, int, void*, void*) {
    if (failing()) return MPI_SUCCESS;
    try {
      Peers::get().end();
    } catch (const Error& error) {
      fail(1, error.what());
      std::this_thread::sleep_for(std::chrono::seconds(1));  // one of the others may be printing it
      MPI_Abort(MPI_COMM_WORLD, 1);
    }
    return MPI_SUCCESS;
  }

  // Whether this rank has told the others of a failure.
  static bool& failing() {
    static bool told = false;
    return told;
  }

  ~Runtime() {
    if (owner_ && !forked() && !mpi_has_ended()) MPI_Finalize();
  }

  static World::Verdict agree(const std::string& sentence) {
    constexpr double patience = 1.0;  // seconds
    if (get().forked()) return {.everyone = true, .prints = true};
    failing() = true;
    const MPI_Comm comm = get().agreement;
    int rank = 0, size = 1;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    // Static: when the patience is over, the operation stays open until the process ends.
    static std::uint64_t mine;
    static std::vector<std::uint64_t> all;
    mine = std::hash<std::string>{}(sentence);
    all.resize(static_cast<std::size_t>(size));
    MPI_Request request = MPI_REQUEST_NULL;
    if (MPI_Iallgather(&mine, 1, MPI_UINT64_T, all.data(), 1, MPI_UINT64_T, comm, &request) != MPI_SUCCESS)
      return {.everyone = false, .prints = true};
    int done = 0;
    for (const double start = MPI_Wtime(); !done && MPI_Wtime() - start < patience;)
      if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) break;
    if (!done) return {.everyone = false, .prints = true};
    return {.everyone = true, .prints = std::find(all.begin(), all.end(), mine) == all.begin() + rank};
  }

  // Whether this is a child that a rank has forked. It ends by itself, and its parent's MPI goes on.
  bool forked() const { return ::getpid() != process_; }

  bool owner_ = false;
  const pid_t process_ = ::getpid();
};

}  // namespace

void start_mpi() {
  Runtime::get();
}

bool mpi_has_ended() {
  int finalised = 0;
  MPI_Finalized(&finalised);
  return finalised != 0;
}

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error("comm.6", std::string(call) + " to succeed",
              std::string(text, static_cast<std::size_t>(length)),
              "look at the other ranks' output and at the network between the hosts");
}

}  // namespace ashlar::comm::detail
