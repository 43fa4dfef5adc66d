// Autocast: the types to which LibTorch's operators cast on this thread, if a user has it cast.
#pragma once

#include <ATen/autocast_mode.h>

#include <array>
#include <cstdint>
#include <vector>

namespace ashlar {

class Autocast {
 public:
  static Autocast now();

  // As numbers, which an autograd node can keep.
  explicit Autocast(const std::vector<std::int64_t>& numbers);
  std::vector<std::int64_t> numbers() const;

  void set() const;

  friend bool operator==(const Autocast&, const Autocast&) = default;

 private:
  struct Device {
    bool casts;
    at::ScalarType type;
    friend bool operator==(const Device&, const Device&) = default;
  };
  static constexpr std::array kinds{at::kCPU, at::kCUDA};

  Autocast() = default;

  std::array<Device, kinds.size()> devices_{};
};

// While there is one, LibTorch casts as it did `then`. What it has cast meanwhile is forgotten.
class AutocastGuard {
 public:
  explicit AutocastGuard(const Autocast& then);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  const Autocast now_ = Autocast::now();
  const bool differs_;
};

}  // namespace ashlar
