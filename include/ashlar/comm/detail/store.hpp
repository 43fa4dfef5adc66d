// Store: one connection to the keys and values that the processes of a launch share (LibTorch's
// c10d::TCPStore).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <ashlar/comm/launch.hpp>

namespace ashlar::comm::detail {

// Not for two threads at once: a thread that needs the store opens a connection of its own.
class Store {
 public:
  struct Options {
    std::string address;
    int port = 0;
    std::string prefix;  // of every key, so that restarts and neighbours on the same port do not meet
    bool hosts = false;  // this process also runs the server, from now on until it ends
    std::chrono::milliseconds patience{60'000};  // for connecting, and for a key to appear
  };

  // Under torchrun's agent store every rank is a client, else rank 0 hosts.
  static Options options(const Launch&, const Environment&);

  //   [ashlar.comm.11]  nobody answers at the address, or its port is taken
  //   [ashlar.comm.19]  the address is no host's
  explicit Store(const Options&);
  ~Store();
  Store(Store&&) noexcept;

  // Each throws ashlar::Error [ashlar.comm.12] when the store is gone or a key does not appear in time.
  void set(const std::string& key, const std::string& value);
  std::string get(const std::string& key);  // waits for it
  bool has(const std::string& key);
  std::int64_t add(const std::string& key, std::int64_t n);  // the new value

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ashlar::comm::detail
