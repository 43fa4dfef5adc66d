// Recorded<C>: a communicator that also writes down what was called, so that tests can hold a run to its
// plan.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <ashlar/concepts/communicator.hpp>
#include <ashlar/concepts/policy.hpp>

namespace ashlar::comm {

using ashlar::Collective;

// One collective as this rank called it. Calls stand in the order in which they were made.
struct Call {
  Collective kind;
  std::int64_t bytes;     // of whole, or of the tensor: what all ranks hold, not what one link carries
  std::int64_t itemsize;  // bytes an element

  std::int64_t numel() const { return bytes / itemsize; }
  bool operator==(const Call&) const = default;
};

std::ostream& operator<<(std::ostream&, const Call&);  // all_gather of 96 bytes, 4 an element

namespace detail {
Call call_of(Collective, const Tensor&);
}  // namespace detail

// Has exactly the collectives that C has, and C's Work. barrier() moves no tensor and is not written down.
// C may be a reference type: Recorded<Mpi&> records for a communicator that somebody else owns.
template <class C>
  requires communicator<std::remove_reference_t<C>>
class Recorded {
  using Inner = std::remove_reference_t<C>;

 public:
  static constexpr std::string_view name = Inner::name;
  static constexpr int dimensions = dimensions_of<Inner>;
  using Work = typename Inner::Work;

  template <class... Args>
    requires std::constructible_from<C, Args...>
  explicit Recorded(Args&&... args) : inner_(std::forward<Args>(args)...) {}

  int rank() { return inner_.rank(); }
  int size() { return inner_.size(); }
  void barrier() { inner_.barrier(); }
  auto device()
    requires requires(const Inner& inner) { inner.device(); }
  {
    return inner_.device();
  }

  auto gather_memory(long bytes)
    requires has_gather_memory<Inner>
  {
    return inner_.gather_memory(bytes);
  }

  Work all_gather(auto&& whole, const Tensor& part)
    requires has_all_gather<Inner>
  {
    calls_.push_back(detail::call_of(Collective::all_gather, whole));
    return inner_.all_gather(whole, part);
  }

  Work reduce_scatter(auto&& part, auto&& whole)
    requires has_reduce_scatter<Inner>
  {
    calls_.push_back(detail::call_of(Collective::reduce_scatter, whole));
    return inner_.reduce_scatter(part, whole);
  }

  Work all_reduce(auto&& tensor)
    requires has_all_reduce<Inner>
  {
    calls_.push_back(detail::call_of(Collective::all_reduce, tensor));
    return inner_.all_reduce(tensor);
  }

  Work broadcast(auto&& tensor, int root)
    requires has_broadcast<Inner>
  {
    calls_.push_back(detail::call_of(Collective::broadcast, tensor));
    return inner_.broadcast(tensor, root);
  }

  const std::vector<Call>& calls() const { return calls_; }
  void clear() { calls_.clear(); }

  Inner& inner() { return inner_; }

 private:
  C inner_;
  std::vector<Call> calls_;
};

}  // namespace ashlar::comm
