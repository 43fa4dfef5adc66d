// The rows that train: any two choices of different axes that some combination has stand together in one.
#include <cstddef>
#include <vector>

#include "parity/rows.hpp"

namespace ashlar::test {
namespace {

// Of rows that one could make of all, whether some row has each pair that all have.
template <std::size_t axes>
constexpr bool covers(const std::vector<Choice<axes>>& rows, const std::vector<Choice<axes>>& all) {
  constexpr std::size_t most = 16;
  for (std::size_t a = 0; a < axes; ++a)
    for (std::size_t b = a + 1; b < axes; ++b) {
      bool possible[most][most] = {}, there[most][most] = {};
      for (const Choice<axes>& choice : all) possible[choice.of[a]][choice.of[b]] = true;
      for (const Choice<axes>& row : rows) there[row.of[a]][row.of[b]] = true;
      for (std::size_t i = 0; i < most; ++i)
        for (std::size_t j = 0; j < most; ++j)
          if (possible[i][j] != there[i][j]) return false;
    }
  return true;
}

constexpr std::vector<RowChoice> rows() {
  return {detail::found.rows, detail::found.rows + row_count};
}
static_assert(covers(rows(), detail::allowed()));

// Few: the pairs of the two longest axes are a bound from below, and half as many again is enough.
constexpr std::size_t longest = sizes<SmallGpt>[0] * sizes<SmallGpt>[1];
static_assert(row_count >= longest && 2 * row_count <= 3 * longest);

// The pair that is refused stands nowhere.
constexpr bool has(std::size_t a, std::size_t i, std::size_t b, std::size_t j) {
  for (const RowChoice& row : rows())
    if (row.of[a] == i && row.of[b] == j) return true;
  return false;
}
static_assert(has(0, 0, 2, 0) && !has(0, 0, 2, 1), "Replicate has no optimizer that rests on the host");

// On a product that is known: three axes of two need four rows, and to leave one out is seen.
constexpr std::vector<Choice<3>> twos() {
  std::vector<Choice<3>> all;
  for (std::size_t i = 0; i < 8; ++i) all.push_back({{i / 4, i / 2 % 2, i % 2}});
  return all;
}
static_assert(pairwise(twos()).size() == 4 && covers(pairwise(twos()), twos()));
constexpr bool sees_a_gap() {
  std::vector<Choice<3>> some = pairwise(twos());
  some.pop_back();
  return !covers(some, twos());
}
static_assert(sees_a_gap());

}  // namespace
}  // namespace ashlar::test
