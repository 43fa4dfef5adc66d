#include <ashlar/comm/detail/store.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <netdb.h>

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <ashlar/error.hpp>

namespace ashlar::comm::detail {
namespace {

std::string text(const Environment& get, const char* name) {
  const char* value = get(name);
  return value ? value : "";
}

// The first line of what c10d says; a backtrace and its own advice follow it.
std::string first_line(const c10::Error& error) {
  const std::string what = error.what_without_backtrace();
  return what.substr(0, what.find('\n'));
}

// While one of these lives, c10d's warnings and errors are not printed: each comes with a backtrace, and what
// it tells is thrown here as a sentence. With TORCH_CPP_LOG_LEVEL set they are wanted.
class Quiet {
 public:
  Quiet() {
    const std::lock_guard lock(mutex);
    if (depth++ > 0 || std::getenv("TORCH_CPP_LOG_LEVEL")) return;
    before = std::exchange(FLAGS_caffe2_log_level, std::max(FLAGS_caffe2_log_level, fatal_level));
  }

  ~Quiet() {
    const std::lock_guard lock(mutex);
    if (--depth == 0 && before) FLAGS_caffe2_log_level = *std::exchange(before, std::nullopt);
  }

  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  static constexpr int fatal_level = 3;  // c10 calls it GLOG_FATAL, and has no name for it with glog
  inline static std::mutex mutex;
  inline static int depth = 0;
  inline static std::optional<int> before;
};

// Waits until the name is one: where hosts start with their processes, names are known a little later.
void expect_host(const Store::Options& options) {
  for (const auto start = std::chrono::steady_clock::now();;
       std::this_thread::sleep_for(std::chrono::milliseconds(100))) {
    addrinfo* found = nullptr;
    const int code = getaddrinfo(options.address.c_str(), nullptr, nullptr, &found);
    if (code == 0) return freeaddrinfo(found);
    if (std::chrono::steady_clock::now() - start > options.patience)
      throw Error("comm.19", "MASTER_ADDR to be the name or address of rank 0's host",
                  "'" + options.address + "', of which this host says: " + gai_strerror(code),
                  "correct MASTER_ADDR, or write the host's address in numbers");
  }
}

// A server stays until the process ends: were it closed and opened again, a rank could still reach the old
// one.
void serve(const std::string& where, const std::string& address, const c10d::TCPStoreOptions& options) {
  static std::map<std::string, c10::intrusive_ptr<c10d::TCPStore>> servers;
  auto& server = servers[where];
  if (!server) server = c10::make_intrusive<c10d::TCPStore>(address, options);
}

}  // namespace

struct Store::State {
  c10::intrusive_ptr<c10d::Store> keys;
  std::string where;

  template <class Call>
  auto operator()(Call&& call) {
    const Quiet quiet;
    try {
      return call(*keys);
    } catch (const c10::Error& error) {
      throw Error("comm.12", "the store at " + where + " to answer", first_line(error),
                  "look at the output of rank 0, which runs it, and of its launcher");
    }
  }
};

Store::Options Store::options(const Launch& launch, const Environment& get) {
  const bool agent = text(get, "TORCHELASTIC_USE_AGENT_STORE") == "True";
  // The agent's store outlives a restart of its workers. A port may be another job's: its name keeps the keys
  // apart.
  std::string prefix = "ashlar";
  for (const char* name : {"TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "PMIX_NAMESPACE",
                           "SLURM_JOB_ID", "SLURM_STEP_ID"})
    prefix += "/" + text(get, name);
  return {.address = launch.master_addr,
          .port = launch.master_port,
          .prefix = prefix,
          .hosts = !agent && launch.rank == 0};
}

Store::Store(const Options& options) : state_(std::make_unique<State>()) {
  state_->where = options.address + ":" + std::to_string(options.port);
  c10d::TCPStoreOptions tcp;
  tcp.port = static_cast<std::uint16_t>(options.port);
  tcp.isServer = options.hosts;
  tcp.waitWorkers = false;
  tcp.timeout = options.patience;
  tcp.multiTenant = true;
  expect_host(options);
  const Quiet quiet;
  try {
    if (options.hosts) serve(state_->where, options.address, tcp);
    tcp.isServer = false;
    state_->keys = c10::make_intrusive<c10d::PrefixStore>(
        options.prefix, c10::make_intrusive<c10d::TCPStore>(options.address, tcp));
  } catch (const c10::Error& error) {
    const std::string seconds = std::to_string(options.patience.count() / 1000) + " s";
    throw Error("comm.11",
                options.hosts
                    ? "rank 0 to open MASTER_ADDR:MASTER_PORT " + state_->where
                    : "rank 0 to answer at MASTER_ADDR:MASTER_PORT " + state_->where + " within " + seconds,
                first_line(error),
                options.hosts ? "choose another MASTER_PORT, the same for all ranks"
                              : "check that rank 0 runs there and that its host can be reached");
  }
}

Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

void Store::set(const std::string& key, const std::string& value) {
  (*state_)([&](auto& keys) { keys.set(key, std::vector<std::uint8_t>(value.begin(), value.end())); });
}

std::string Store::get(const std::string& key) {
  return (*state_)([&](auto& keys) {
    const auto bytes = keys.get(key);
    return std::string(bytes.begin(), bytes.end());
  });
}

bool Store::has(const std::string& key) {
  return (*state_)([&](auto& keys) { return keys.check({key}); });
}

std::int64_t Store::add(const std::string& key, std::int64_t n) {
  return (*state_)([&](auto& keys) { return keys.add(key, n); });
}

}  // namespace ashlar::comm::detail
