#include <ashlar/comm/detail/rendezvous.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <ashlar/comm/detail/store.hpp>
#include <ashlar/comm/during.hpp>
#include <ashlar/error.hpp>

namespace ashlar::comm::detail {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string numbered(const char* key, int rank) {
  return std::string(key) + "/" + std::to_string(rank);
}

std::string seconds(milliseconds time) {
  return std::to_string((time.count() + 999) / 1000) + " s";
}

// Polls: the store's own wait has a time limit and blocks the connection.
template <class Condition>
bool wait_for(Condition&& condition, milliseconds limit) {
  for (const auto start = Clock::now(); Clock::now() - start < limit;
       std::this_thread::sleep_for(milliseconds(20)))
    if (condition()) return true;
  return condition();
}

// Several rendezvous of one process, one after the other or side by side, have keys of their own.
int next_instance() {
  static std::atomic<int> instances{0};
  return instances++;
}

Store::Options store_options(const Launch& launch, const Environment& get, milliseconds patience) {
  auto options = Store::options(launch, get);
  options.prefix += "/" + std::to_string(next_instance());
  options.patience = patience;
  return options;
}

// A rank's sign of life: a number that changes, and its calls.
struct Beat {
  std::string text = "0 0";

  Beat() = default;
  explicit Beat(std::string received) : text(std::move(received)) {}
  Beat(long number, History calls) : text(std::to_string(number) + " " + std::to_string(calls.word())) {}

  History calls() const {
    std::istringstream words(text);
    long number = 0;
    std::uint64_t word = 0;
    words >> number >> word;
    return History(word);
  }
};

// Who came as a rank: ranks of one job start at about the same time.
struct Claim {
  std::int64_t started;  // milliseconds since 1970
  int world;

  std::string text() const { return std::to_string(started) + " " + std::to_string(world); }
  static Claim from(const std::string& text) {
    std::istringstream words(text);
    Claim claim{};
    words >> claim.started >> claim.world;
    return claim;
  }
};

const std::int64_t process_started =
    std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();

}  // namespace

// Keys: claims/<rank> how many came as that rank, claim/<rank> the first of them, here/<rank> once arrived,
// beat/<rank> its last sign of life, verdict why all must end; calls/<rank>, done, all_done and left when
// parting; error/<rank>, errors and read when failing.
struct Rendezvous::State {
  const int rank;
  const int world;
  const Times times;
  const Clock::time_point deadline = Clock::now() + times.arrive;
  const Hooks hooks;
  const Store::Options options;
  Store store;  // of the threads that use the rendezvous
  Store thread_store;

  milliseconds patience = times.patience;  // before this rank says that it waits

  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::thread thread;

  State(const Launch& launch, Hooks given, const Environment& get, Times t)
      : rank(launch.rank),
        world(launch.world),
        times(t),
        hooks(std::move(given)),
        options(store_options(launch, get, t.arrive)),
        store(options),
        thread_store(client_options()) {}

  ~State() { stop(); }

  Store::Options client_options() const {
    auto client = options;
    client.hosts = false;
    client.patience = times.silence;  // a host that vanished answers nothing at all
    return client;
  }

  // A second job on the same port ends without a trace here, unless one of its ranks took the place of one of
  // this job's: then both end.
  //   [ashlar.comm.18]
  void claim() {
    const Claim own{process_started, world};
    const bool first = store.add(numbered("claims", rank), 1) == 1;
    if (first) store.set(numbered("claim", rank), own.text());
    const Claim root = Claim::from(store.get("claim/0"));
    const std::string remedy = "choose another MASTER_PORT for each job";
    if (root.world != world)
      throw Error("comm.18",
                  "the WORLD_SIZE of rank 0 at " + where() + ", which is " + std::to_string(root.world),
                  std::to_string(world) + " on rank " + std::to_string(rank),
                  "if another job listens there, " + remedy);
    if (first) return;
    const auto holder = Claim::from(store.get(numbered("claim", rank)));
    const Error error("comm.18", "one process as rank " + std::to_string(rank) + " at " + where(),
                      "a second one, so another job listens there", remedy);
    const auto from_root = [&](const Claim& claim) { return std::abs(claim.started - root.started); };
    if (from_root(own) < from_root(holder)) store.set("verdict", error.what());
    throw error;
  }

  std::string where() const { return options.address + ":" + std::to_string(options.port); }

  void arrive() {
    claim();
    store.set(numbered("beat", rank), Beat().text);
    store.set(numbered("here", rank), "");
    std::string missing;
    for (int r = 0; r < world; ++r) {
      // One limit for all of them: those that are already there cost no time.
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
      if (!wait_for([&] { return store.has("verdict") || store.has(numbered("here", r)); },
                    std::max(left, milliseconds(0))))
        missing += (missing.empty() ? "" : ", ") + std::to_string(r);
    }
    if (store.has("verdict")) {
      const std::runtime_error verdict(store.get("verdict"));
      let_read();
      throw verdict;
    }
    if (!missing.empty())
      throw Error(
          "comm.13", std::to_string(world) + " ranks at " + where() + " within " + seconds(times.arrive),
          "none from rank " + missing, "look at the output of these ranks, and check WORLD_SIZE and RANK");
  }

  void start() {
    thread = std::thread([this] { run(); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    if (thread.joinable()) thread.join();
  }

  // True when the thread shall end.
  bool pause() {
    std::unique_lock lock(mutex);
    return wake.wait_for(lock, times.beat, [&] { return stopping; });
  }

  bool is_stopping() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  struct Heard {
    Beat beat;
    Clock::time_point at = Clock::now();
  };

  void run() {
    std::vector<Heard> heard(static_cast<std::size_t>(rank == 0 ? world : 1));
    Heard own;  // since when this rank is in its call
    for (long number = 1; !pause(); ++number) {
      std::string loss;
      try {
        if (const auto failure = hooks.failure(); !failure.empty()) {
          loss = Error("comm.14", "working collectives", failure, "look at the output of the other ranks")
                     .what();
          thread_store.set("verdict", "rank " + std::to_string(rank) + " reports: " + failure);
        }
        const Beat beat(number, now());
        if (beat.calls().word() != own.beat.calls().word()) own = {beat, Clock::now()};
        thread_store.set(numbered("beat", rank), beat.text);
        for (std::size_t r = 0; loss.empty() && r < heard.size(); ++r) {
          const Beat last(thread_store.get(numbered("beat", static_cast<int>(r))));
          if (last.text != heard[r].beat.text) heard[r] = {last, Clock::now()};
          if (Clock::now() - heard[r].at > times.silence) {
            const auto who = "rank " + std::to_string(r);
            loss = silent(who);
            thread_store.set("verdict", who + " stopped answering");
          } else if (static_cast<int>(r) != rank) {
            loss = different_calls(static_cast<int>(r), last.calls(), rank, beat.calls());
            if (!loss.empty()) thread_store.set("verdict", loss);
          }
        }
        if (loss.empty() && thread_store.has("verdict")) loss = verdict();
      } catch (const std::exception&) {
        // The store ends with the process that runs it.
        if (loss.empty()) loss = silent("rank 0");
      }
      if (!loss.empty() && !is_stopping()) end_process(loss);
      if (Clock::now() - own.at > patience) tell(own, heard);
    }
  }

  // Another rank's word: a sentence of its own, or what happened to it.
  std::string verdict() {
    const auto said = thread_store.get("verdict");
    if (said.starts_with("[ashlar.")) return said;
    return Error("comm.14", "all ranks at work", said, "look at its output").what();
  }

  // Says for which ranks this one waits, if it does, and waits twice as long until it says so again.
  void tell(const Heard& own, const std::vector<Heard>& heard) {
    const History calls = own.beat.calls();
    std::string late;
    for (std::size_t r = 0; r < heard.size() && calls.active(); ++r)
      if (const History other = heard[r].beat.calls(); other.count() < calls.count())
        late += (late.empty() ? "rank " : ", ") + std::to_string(r) +
                (other.active() ? " in " + std::string(to_string(other.current())) : "");
    if (late.empty()) return;
    const auto waited = std::chrono::duration_cast<milliseconds>(Clock::now() - own.at);
    std::fputs(("rank " + std::to_string(rank) + ": " + std::string(to_string(calls.current())) +
                " has waited " + seconds(waited) + " for " + late + "\n")
                   .c_str(),
               stderr);
    patience *= 2;
  }

  std::string silent(const std::string& who) const {
    return Error("comm.14", who + " to answer within " + seconds(times.silence), "silence from " + who,
                 "look at its output")
        .what();
  }

  [[noreturn]] void end_process(const std::string& loss) {
    std::fflush(stdout);
    std::fputs(("rank " + std::to_string(rank) + ": " + loss + "\n").c_str(), stderr);
    std::fflush(stderr);
    std::thread([abort = hooks.abort] { abort(); }).detach();
    let_read();
    _exit(1);
  }

  // Others may still read the verdict from a store that this process runs.
  void let_read() const { std::this_thread::sleep_for(options.hosts ? 2 * times.beat : milliseconds(500)); }
};

Rendezvous::Rendezvous(const Launch& launch, Hooks hooks, const Environment& get, Times times)
    : state_(std::make_unique<State>(launch, std::move(hooks), get, times)) {
  state_->arrive();
  state_->start();
}

Rendezvous::~Rendezvous() = default;

std::string Rendezvous::from_root(const std::string& key, const std::string& bytes) {
  if (state_->rank == 0) state_->store.set("root/" + key, bytes);
  return state_->store.get("root/" + key);
}

void Rendezvous::leave() {
  State& s = *state_;
  const During during(Joint::leave, s.world);
  const History calls = now();
  s.store.set(numbered("calls", s.rank), Beat(0, calls).text);
  if (s.store.add("done", 1) == s.world) s.store.set("all_done", "");
  while (!s.store.has("all_done")) std::this_thread::sleep_for(milliseconds(50));
  s.stop();
  // Calls that no rank waited in may have differed, too.
  for (int r = 0; r < (s.rank == 0 ? s.world : 1); ++r)
    if (const auto loss = different_calls(r, Beat(s.store.get(numbered("calls", r))).calls(), s.rank, calls);
        !loss.empty())
      s.end_process(loss);
  // The store ends with the process that runs it, so that one goes last.
  const bool last = s.store.add("left", 1) == s.world;
  if (s.options.hosts && !last) wait_for([&] { return s.store.add("left", 0) == s.world; }, s.times.silence);
}

void Rendezvous::stop() {
  state_->stop();
}

World::Verdict Rendezvous::agree(const std::string& sentence) {
  State& s = *state_;
  constexpr milliseconds patience{1000};
  s.stop();
  try {
    s.store.set(numbered("error", s.rank), sentence);
    s.store.add("errors", 1);
    if (!wait_for([&] { return s.store.add("errors", 0) == s.world; }, patience)) {
      s.store.set("verdict", "rank " + std::to_string(s.rank) + " failed");
      return {.everyone = false, .prints = true};
    }
    bool prints = true;
    for (int r = 0; r < s.rank; ++r) prints = prints && s.store.get(numbered("error", r)) != sentence;
    s.store.add("read", 1);
    if (s.options.hosts) wait_for([&] { return s.store.add("read", 0) == s.world; }, patience);
    return {.everyone = true, .prints = prints};
  } catch (const std::exception&) {
    return {.everyone = false, .prints = true};  // no store, nobody to agree with
  }
}

// The others' threads end them when they read the verdict. This process must not unwind further: device work
// that waits for the others would block it.
void Rendezvous::end(int code) {
  std::fflush(nullptr);
  if (state_->options.hosts) std::this_thread::sleep_for(2 * state_->times.beat);
  std::_Exit(code);
}

}  // namespace ashlar::comm::detail
