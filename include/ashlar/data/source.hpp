// What batches are cut from: a long row of token ids with random access; and parts of one.
//
//   intuition   a text, as ids, that can be read anywhere at any time.
//   needs       size(), vocabulary(), read(first, ids).
//   laws        read is a pure function of `first`; every id is in [0, vocabulary()); copies read the same
//   ids. models      data::Text, data::Tokens, data::Slice<S>. promises no order of reads, and nothing about
//   documents: a window may span two.
#pragma once

#include <ashlar/cxx20.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <utility>

namespace ashlar::data {

template <class S>
concept source = std::copyable<S> && requires(const S& s, std::uint64_t first, std::span<std::int64_t> ids) {
  { s.size() } -> std::same_as<std::uint64_t>;
  { s.vocabulary() } -> std::same_as<std::int64_t>;
  s.read(first, ids);
};

namespace detail {
// [ashlar.data.5]: a read beyond the end.
void check_read(std::uint64_t first, std::uint64_t count, std::uint64_t size);
// Tokens of a validation part of `fraction`; [ashlar.data.6]: a fraction outside [0, 1).
std::uint64_t validation_size(std::uint64_t size, double fraction);
}  // namespace detail

// Tokens [first, first + size) of another source.
template <source S>
class Slice {
 public:
  Slice(S whole, std::uint64_t first, std::uint64_t size)
      : whole_(std::move(whole)), first_(first), size_(size) {
    detail::check_read(first, size, whole_.size());
  }

  std::uint64_t size() const { return size_; }
  std::int64_t vocabulary() const { return whole_.vocabulary(); }
  void read(std::uint64_t first, std::span<std::int64_t> ids) const {
    detail::check_read(first, ids.size(), size_);
    whole_.read(first_ + first, ids);
  }

 private:
  S whole_;
  std::uint64_t first_;
  std::uint64_t size_;
};

template <source S>
struct Split {
  Slice<S> train;
  Slice<S> validation;
};

// The last `fraction` of the tokens is for validation, the rest for training; no token is in both.
template <source S>
Split<S> split(const S& whole, double fraction = 0.1) {
  const std::uint64_t held_out = detail::validation_size(whole.size(), fraction);
  const std::uint64_t kept = whole.size() - held_out;
  return {{whole, 0, kept}, {whole, kept, held_out}};
}

}  // namespace ashlar::data
