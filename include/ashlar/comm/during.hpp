// During: which call that all ranks make together a process is in, so that a rank that waits can say so, and
// two ranks in different ones are told apart. It costs a load and two stores a call, and no message.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include <ashlar/error.hpp>

namespace ashlar::comm {

// The calls that every rank makes. `none`: between them; `leave`: a rank gives up its communicator; `end`: it
// has left main.
enum class Joint : std::uint8_t {
  none,
  make,
  step,
  evaluate,
  predict,
  full_parameters,
  save,
  load,
  resume,
  barrier,
  leave,
  end
};

std::string_view to_string(Joint);  // step()

// The last calls of a process: how many it has begun, the latest of them, and whether that one is over. One
// word, so that a watching thread can read it while the process goes on.
class History {
 public:
  static constexpr int remembered = 8;

  History() = default;
  explicit History(std::uint64_t word) : word_(word) {}

  std::uint64_t word() const { return word_; }
  bool active() const { return (word_ & 1) != 0; }
  int count() const { return static_cast<int>(word_ >> 1 & most); }
  // Call `number`, from 1; none if it is not among the latest.
  Joint call(int number) const {
    const int ago = count() - number;
    if (ago < 0 || ago >= remembered) return Joint::none;
    return static_cast<Joint>(word_ >> (24 + 5 * ago) & 31);
  }
  Joint current() const { return active() ? call(count()) : Joint::none; }

  History begun(Joint call) const {
    const std::uint64_t calls = word_ >> 24 << 5 | static_cast<std::uint64_t>(call);
    return History(calls << 24 | ((static_cast<std::uint64_t>(count()) + 1) & most) << 1 | 1);
  }
  History ended() const { return History(word_ & ~std::uint64_t{1}); }

 private:
  static constexpr std::uint64_t most = (1 << 23) - 1;  // of the count, which then starts again

  std::uint64_t word_ = 0;  // calls, the latest in bits 24 to 28; count; whether active
};

// Of this process. Written by the thread that trains.
inline std::atomic<std::uint64_t> history{0};

inline History now() {
  return History(history.load(std::memory_order_relaxed));
}

// A call within another one is part of it, and one of a world of one is nobody else's.
class During {
 public:
  During(Joint call, int ranks) : counts_(ranks > 1 && !now().active()) {
    if (counts_) history.store(now().begun(call).word(), std::memory_order_relaxed);
  }
  ~During() {
    if (counts_) history.store(now().ended().word(), std::memory_order_relaxed);
  }
  During(const During&) = delete;
  During& operator=(const During&) = delete;

 private:
  bool counts_;
};

namespace detail {

std::string did(Joint);  // called step()

// [ashlar.comm.17] in the same words on both ranks, of which each tells what it did and who it is.
Error different_calls(int rank, const std::string& did, int other, const std::string& other_did);

// The same from what is remembered; empty where no call of the same number differs.
std::string different_calls(int rank, History calls, int other, History other_calls);

}  // namespace detail
}  // namespace ashlar::comm
