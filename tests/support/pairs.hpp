// Pairs: a covering array. Few rows, each a choice on every axis, in which any two choices of different axes
// stand together somewhere. Most faults need no more than two choices to meet (Kuhn, Wallace, Gallo,
// "Software fault interactions and implications for software testing", IEEE TSE 30(6), 2004), and the rows of
// a full product grow with the product of its axes, these with that of the two longest.
#pragma once

#include <cstddef>
#include <vector>

namespace ashlar::test {

// By axis, an index into its policies. Built-in arrays, here and below, because to index a std::array is a
// call, and the compiler makes each of them.
template <std::size_t axes>
struct Choice {
  std::size_t of[axes];
  friend constexpr bool operator==(const Choice&, const Choice&) = default;
};

// Rows out of `allowed`, so that two indices that stand together in any of these stand together in a row,
// too. Greedy: while a pair is missing, the row that has it and the most others that are missing.
template <std::size_t axes>
constexpr std::vector<Choice<axes>> pairwise(const std::vector<Choice<axes>>& allowed) {
  constexpr std::size_t most = 16;  // policies of an axis
  bool missing[axes][most][axes][most] = {};
  const Choice<axes>*const first = allowed.data(), *const last = first + allowed.size();
  for (const Choice<axes>* row = first; row != last; ++row)
    for (std::size_t a = 0; a < axes; ++a)
      for (std::size_t b = a + 1; b < axes; ++b) missing[a][row->of[a]][b][row->of[b]] = true;

  std::vector<Choice<axes>> rows;
  for (std::size_t a = 0; a < axes; ++a)
    for (std::size_t b = a + 1; b < axes; ++b)
      for (std::size_t i = 0; i < most; ++i)
        for (std::size_t j = 0; j < most; ++j) {
          if (!missing[a][i][b][j]) continue;
          const Choice<axes>* best = nullptr;
          std::size_t most_new = 0;
          for (const Choice<axes>* row = first; row != last; ++row) {
            if (row->of[a] != i || row->of[b] != j) continue;
            std::size_t fresh = 0;
            for (std::size_t c = 0; c < axes; ++c)
              for (std::size_t d = c + 1; d < axes; ++d) fresh += missing[c][row->of[c]][d][row->of[d]];
            if (fresh > most_new) {
              most_new = fresh;
              best = row;
            }
          }
          for (std::size_t c = 0; c < axes; ++c)
            for (std::size_t d = c + 1; d < axes; ++d) missing[c][best->of[c]][d][best->of[d]] = false;
          rows.push_back(*best);
        }
  return rows;
}

}  // namespace ashlar::test
