// Solo: a world of one. Every collective is the identity, so the same trainer runs in one process.
#pragma once

#include <string_view>

#include <ashlar/comm/detail/operands.hpp>
#include <ashlar/concepts/communicator.hpp>

namespace ashlar::comm {

class Solo {
 public:
  static constexpr std::string_view name = "Solo";

  struct [[nodiscard]] Work {
    void wait() {}
  };

  int rank() const { return 0; }
  int size() const { return 1; }
  void barrier() {}

  // On a device the copy is queued on the caller's current stream, so the result is where the caller looks
  // next.
  Work all_gather(const Tensor& whole, const Tensor& part) {
    detail::expect_pieces("all_gather", whole, part, 0, 1, detail::Memory::any);
    detail::copy_unless_same(whole, part);
    return {};
  }

  Work reduce_scatter(const Tensor& part, const Tensor& whole) {
    detail::expect_pieces("reduce_scatter", whole, part, 0, 1, detail::Memory::any);
    detail::copy_unless_same(part, whole);
    return {};
  }

  Work all_reduce(const Tensor& tensor) {
    detail::expect_tensor("all_reduce", tensor, detail::Memory::any);
    return {};
  }

  Work broadcast(const Tensor& tensor, int root) {
    detail::expect_tensor("broadcast", tensor, detail::Memory::any);
    detail::expect_root(root, 1);
    return {};
  }
};

static_assert(trainer_communicator<Solo> && has_reduce_scatter<Solo>);

}  // namespace ashlar::comm
