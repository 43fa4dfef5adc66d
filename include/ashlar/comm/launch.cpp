#include <ashlar/comm/launch.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <ashlar/error.hpp>

namespace ashlar::comm {
namespace {

constexpr int default_port = 29500;  // torchrun's

// The variables of one launcher. Null where it has none.
struct Source {
  const char* launcher;
  const char* rank;
  const char* world;
  const char* local_rank;
  const char* local_world;
  const char* hosts;
};

constexpr std::array<Source, 4> sources{{
    {"torchrun or a hand-made launch", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", nullptr},
    {"mpirun (Open MPI)", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE", nullptr},
    {"a PMI launcher (MPICH)", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", nullptr},
    {"srun (Slurm)", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", nullptr, "SLURM_NNODES"},
}};

class Reader {
 public:
  explicit Reader(const Environment& get) : get_(get) {}

  std::optional<std::string> text(const char* name) const {
    const char* value = name ? get_(name) : nullptr;
    if (!value || !*value) return std::nullopt;
    return value;
  }

  bool has(const char* name) const { return text(name).has_value(); }

  // In [low, high]; `range` says so in words.
  std::optional<int> number(const char* name, int low, int high, const std::string& range) const {
    const auto value = text(name);
    if (!value) return std::nullopt;
    int result = 0;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), result);
    if (error != std::errc{} || end != value->data() + value->size() || result < low || result > high)
      throw Error("comm.9", std::string(name) + " to be " + range, "'" + *value + "'",
                  "correct it where the processes are started");
    return result;
  }

  int needed(const Source& source, const char* name, int low, int high, const std::string& range) const {
    if (const auto value = number(name, low, high, range)) return *value;
    throw half_set(source, name);
  }

  Error half_set(const Source& source, const char* missing) const {
    std::string set;
    for (const char* name : {source.rank, source.world, source.local_rank, source.local_world, source.hosts,
                             "MASTER_ADDR", "MASTER_PORT"})
      if (const auto value = text(name)) set += (set.empty() ? "" : ", ") + std::string(name) + "=" + *value;
    return {"comm.8", std::string("all variables of ") + source.launcher + " or none",
            std::string("no ") + missing + " beside " + set,
            std::string("set ") + missing + ", or unset the others to run one process"};
  }

  // The first launcher that left anything.
  const Source* source() const {
    for (const Source& candidate : sources)
      for (const char* name : {candidate.rank, candidate.world, candidate.local_rank, candidate.local_world})
        if (has(name)) return &candidate;
    if (has("PMIX_RANK"))
      throw half_set({"a PMIx launcher", "PMIX_RANK", nullptr, nullptr, nullptr, nullptr}, "WORLD_SIZE");
    return nullptr;
  }

  Place place(const Source& from) const {
    const int world = needed(from, from.world, 1, 1 << 24, "a number of processes, 1 or more");
    const int rank = needed(from, from.rank, 0, world - 1,
                            "from 0 to " + std::to_string(world - 1) + ", below " + from.world);
    return {rank, world};
  }

 private:
  const Environment& get_;
};

bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> const char* { return std::getenv(name); };
}

Place place(const Environment& get) {
  const Reader read(get);
  const Source* from = read.source();
  return from ? read.place(*from) : Place{};
}

Launch launch(const Environment& get) {
  const Reader read(get);
  const Source* from = read.source();
  const auto address = read.text("MASTER_ADDR");
  const auto port = read.number("MASTER_PORT", 1, 65535, "a port, 1 to 65535");
  if (!from) {
    if (address || port) throw read.half_set(sources[0], "RANK");
    return {};
  }

  const bool by_hand = from == &sources[0];
  const auto [rank, world] = read.place(*from);
  Launch result{
      .rank = rank, .world = world, .master_addr = address.value_or(""), .master_port = port.value_or(0)};

  // All ranks on one host is a fact, not a guess, when the only rank, the launcher or a loopback address says
  // so.
  bool one_host = world == 1 || (address && is_loopback(*address));
  if (const auto hosts = read.number(from->hosts, 1, 1 << 24, "a number of hosts, 1 or more"))
    one_host = one_host || *hosts == 1;
  const auto local_world = read.number(from->local_world, 1, world,
                                       "from 1 to " + std::to_string(world) + ", at most " + from->world);
  one_host = one_host || local_world == world;
  result.local_world = local_world.value_or(one_host ? world : 0);

  const int local_end = result.local_world > 0 ? result.local_world : world;
  const auto local_rank =
      read.number(from->local_rank, 0, local_end - 1, "from 0 to " + std::to_string(local_end - 1));
  if (!local_rank && !one_host) throw read.half_set(*from, from->local_rank);
  result.local_rank = local_rank.value_or(rank);

  if (world == 1 && !address && !port) return result;
  if (by_hand && !address) throw read.half_set(*from, "MASTER_ADDR");
  if (by_hand && !port) throw read.half_set(*from, "MASTER_PORT");
  if (!address && !one_host)
    throw Error("comm.10",
                "MASTER_ADDR, the address of rank 0's host, because the processes run on several hosts",
                "none from " + std::string(from->launcher),
                "export MASTER_ADDR (and MASTER_PORT) to every process, for example with mpirun -x");
  if (!address) result.master_addr = "127.0.0.1";
  if (!port) result.master_port = default_port;
  return result;
}

int local_world(const Environment& get) {
  const Reader read(get);
  const Source* from = read.source();
  if (!from) return 1;
  if (const auto here = read.number(from->local_world, 1, 1 << 24, "a number of processes, 1 or more"))
    return *here;
  const auto hosts = read.number(from->hosts, 1, 1 << 24, "a number of hosts, 1 or more");
  return hosts ? std::max(1, read.place(*from).world / *hosts) : 1;
}

}  // namespace ashlar::comm
