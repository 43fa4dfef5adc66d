// Rendezvous: the processes of a launch find each other, learn when one of them is lost, and part in order.
//
// A rank that hangs or dies would leave the others waiting in a collective for ever: NCCL does not notice. So
// each process runs one thread that says "still here" in the store every few seconds. Rank 0 listens to all
// of them, the others to rank 0 and to its verdict, so the traffic grows with the world and not with its
// square. A thread that learns of a loss prints one sentence and ends its process.
//
// With "still here" goes which calls a rank has made (comm/during.hpp). So ranks that make different ones are
// found out, and a rank that waits can say for whom, and a step sends nothing for it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/launch.hpp>

namespace ashlar::comm::detail {

class Rendezvous {
 public:
  struct Times {
    std::chrono::milliseconds arrive{60'000};    // all ranks have started within
    std::chrono::milliseconds beat{2'000};       // a rank is heard of every
    std::chrono::milliseconds silence{20'000};   // a rank is lost after
    std::chrono::milliseconds patience{10'000};  // a rank says that it waits after
  };

  // What the thread asks and does besides. Both are called on that thread.
  struct Hooks {
    std::function<std::string()> failure = [] {
      return std::string();
    };                                    // what is wrong here; empty when nothing
    std::function<void()> abort = [] {};  // before the process ends; may block, is then left behind
  };

  // Collective. Blocks until all ranks are there; the thread runs from then on.
  //   [ashlar.comm.11]  no store        [ashlar.comm.13]  ranks that did not come, by number
  //   [ashlar.comm.18]  another job is there already       [ashlar.comm.19]  no such host
  Rendezvous(const Launch&, Hooks, const Environment&, Times);

  // Rank 0's bytes, on every rank. A key is used once.
  std::string from_root(const std::string& key, const std::string& bytes);

  // Collective, without a time limit: a rank may still be busy with its last work. Afterwards no rank misses
  // another.
  void leave();

  // For a rank that fails while the others run. What World in guard.hpp asks.
  World::Verdict agree(const std::string& sentence);
  void end(int code);

  // Ends the thread, and with it the calls to Hooks. A rank that neither leaves nor agrees afterwards is
  // missed.
  void stop();

  // Ends the thread. A rank that neither left nor agreed is missed by the others.
  ~Rendezvous();
  Rendezvous(const Rendezvous&) = delete;
  Rendezvous& operator=(const Rendezvous&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ashlar::comm::detail
