#include <ashlar/parallel.hpp>

#include <ATen/Parallel.h>

#include <cstdlib>

namespace ashlar {

int threads() {
  return at::get_num_threads();
}

void share_threads(int processes) {
  [[maybe_unused]] static const bool shared = [&] {
    if (processes > 1 && std::getenv("OMP_NUM_THREADS") == nullptr)
      at::set_num_threads(std::max(1, at::get_num_threads() / processes));
    return true;
  }();
}

}  // namespace ashlar
