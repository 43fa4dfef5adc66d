// Intact: whether a trainer's parameters are still what it made of them. It reads pointers, flags and
// versions, which LibTorch counts up with each change in place, and no values.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ashlar/engine/flat.hpp>
#include <ashlar/error.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar {

class Intact {
 public:
  // How long a change in place of a parameter's bytes lasts.
  enum class Writes {
    last,    // the bytes are what the optimizer updates, or nothing updates them
    vanish,  // at the end of a forward, with the bytes
    undone,  // by the next update, which starts from a master elsewhere
  };
  enum class When { between_steps, in_forward };

  // `parameter`: as it is from now on, a window of `flat`, which stays where it is.
  void add(std::string name, const Tensor& parameter, const Flat& flat, Writes writes);

  // The first breach of a rule, if there is one:
  //   [ashlar.parameter.1]  no longer the bytes that make() gave it: torch::load, to(), set_data
  //   [ashlar.parameter.2]  frozen or unfrozen since make()
  //   [ashlar.parameter.3]  changed in place in a forward    [ashlar.parameter.4]  or between steps
  // A write between steps that lasts is none. Nor is one in a forward if this rank is `alone`, because nobody
  // else then has another value.
  std::optional<Error> breach(When when, bool alone);

  // Whether writes that last were seen since this was asked last.
  bool take_written() { return std::exchange(written_, false); }
  // From now on breach() returns this one.
  void spoil(Error error) { spoilt_ = std::move(error); }

  // Whether a parameter has fewer holders than at the last settle(). Then its module may have another.
  bool released() const;
  void settle();
  // The n-th parameter, which should be `own`. [ashlar.parameter.7]: it is another, registered since make().
  std::optional<Error> replaced(std::size_t n, const std::string& name, const Tensor& own) const;

 private:
  struct Entry {
    std::string name;
    Tensor parameter;
    const Flat* flat;
    std::int64_t offset;
    std::vector<std::int64_t> sizes;
    bool trained;
    Writes writes;
    std::int64_t version;
    std::size_t holders = 0;
  };

  std::vector<Entry> entries_;
  bool written_ = false;
  std::optional<Error> spoilt_;  // a breach that cannot be made good: ranks or masters have other values
};

// [ashlar.model.21]: InferenceMode is on, in which LibTorch counts no versions, or `parameter` was made in
// it.
void require_versions();
void require_versions(const Tensor& parameter, const std::string& name);

// [ashlar.parameter.5]: the breach of another rank, which says more.
Error breach_elsewhere();

}  // namespace ashlar
