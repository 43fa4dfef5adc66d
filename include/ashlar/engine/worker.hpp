// Worker: a thread that does a number of things in turn, each of which others can wait for.
#pragma once

#include <ashlar/cxx20.hpp>

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

namespace ashlar {

// What a thing throws ends the turn, and whoever waits for one that was not done gets it, once.
class Worker {
 public:
  // work(0), work(1) and so on to work(count - 1), after what was started before.
  template <class Work>
  void start(std::size_t count, Work work) {
    finish();
    done_ = 0;
    thread_ = std::jthread([this, count, work = std::move(work)] {
      try {
        for (std::size_t i = 0; i < count; ++i) {
          work(i);
          note(i + 1, nullptr);
        }
        note(all, nullptr);
      } catch (...) {
        note(done_, std::current_exception());
      }
    });
  }

  // Until the i-th thing is done.
  void wait_for(std::size_t i) {
    std::unique_lock lock(guard_);
    changed_.wait(lock, [&] { return done_ > i || thrown_; });
    if (done_ > i) return;
    done_ = all;
    std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

  void finish() {
    wait_for(all - 1);
    if (thread_.joinable()) thread_.join();
  }

 private:
  static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

  void note(std::size_t done, std::exception_ptr thrown) {
    const std::scoped_lock lock(guard_);
    done_ = done;
    thrown_ = std::move(thrown);
    changed_.notify_all();
  }

  std::mutex guard_;
  std::condition_variable changed_;
  std::size_t done_ = all;
  std::exception_ptr thrown_;
  std::jthread thread_;  // joined before the others go
};

}  // namespace ashlar
