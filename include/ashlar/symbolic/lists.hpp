// Few and Many: lists that are cheap in constant expressions, where each step of std::vector's own code
// counts.
#pragma once

#include <ashlar/cxx20.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace ashlar {

// At most `capacity` elements, in place.
template <class T, std::size_t capacity>
class Few {
 public:
  constexpr Few() = default;
  constexpr Few(const std::convertible_to<T> auto&... values)
    requires(sizeof...(values) > 0 && sizeof...(values) <= capacity)
      : items_{static_cast<T>(values)...}, size_(sizeof...(values)) {}

  constexpr void push_back(const T& value) {
    if (size_ == capacity) throw std::length_error("more than a Few can hold");
    items_[size_++] = value;
  }
  constexpr void clear() { size_ = 0; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr std::size_t size() const { return size_; }
  constexpr T* begin() { return items_.data(); }
  constexpr T* end() { return items_.data() + size_; }
  constexpr const T* begin() const { return items_.data(); }
  constexpr const T* end() const { return items_.data() + size_; }
  constexpr T& operator[](std::size_t i) { return items_[i]; }
  constexpr const T& operator[](std::size_t i) const { return items_[i]; }
  constexpr T& back() { return items_[size_ - 1]; }

 private:
  std::array<T, capacity> items_{};
  std::size_t size_ = 0;
};

// Any number of elements, which are only added. Room that is not taken yet holds no objects: to make them
// would cost more than what is taken.
template <class T>
class Many {
 public:
  constexpr Many() = default;
  constexpr Many(Many&& other) noexcept
      : items_(std::exchange(other.items_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  constexpr Many& operator=(Many&& other) noexcept {
    std::swap(items_, other.items_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  constexpr ~Many() { give_back(); }

  constexpr std::size_t push_back(auto&& value) {  // returns its index
    if (size_ == capacity_) grow();
    std::construct_at(items_ + size_, std::forward<decltype(value)>(value));
    return size_++;
  }
  constexpr std::size_t size() const { return size_; }
  constexpr T* begin() { return items_; }
  constexpr T* end() { return items_ + size_; }
  constexpr T& operator[](std::size_t i) { return items_[i]; }
  constexpr const T& operator[](std::size_t i) const { return items_[i]; }

 private:
  constexpr void grow() {
    const std::size_t capacity = capacity_ == 0 ? 8 : 2 * capacity_;
    T* const more = std::allocator<T>().allocate(capacity);
    for (std::size_t i = 0; i < size_; ++i) std::construct_at(more + i, std::move(items_[i]));
    give_back();
    items_ = more;
    capacity_ = capacity;
  }
  constexpr void give_back() {
    if (items_ == nullptr) return;
    if constexpr (!std::is_trivially_destructible_v<T>) std::destroy_n(items_, size_);
    std::allocator<T>().deallocate(items_, capacity_);
  }

  T* items_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace ashlar
