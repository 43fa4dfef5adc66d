// Every Precision policy keeps the laws of its concept, and the laws refuse one that is broken in one place.
#include <ashlar/laws/precision.hpp>

#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;

static_assert(laws::precision<precision::Fp32>());
static_assert(laws::precision<precision::Bf16Mixed>());
static_assert(laws::precision<precision::Bf16Pure>());
static_assert(laws::precision<precision::Bf16Split>());

TEST_CASE("every Precision policy keeps the laws on tensors, too") {
  CHECK(laws::precision<precision::Fp32>());
  CHECK(laws::precision<precision::Bf16Mixed>());
  CHECK(laws::precision<precision::Bf16Pure>());
  CHECK(laws::precision<precision::Bf16Split>());
}

struct Narrow : precision::Fp32 {
  static constexpr auto reduce = dtype::bf16, master = dtype::bf16;
};
struct ReducesNarrow : precision::Bf16Mixed {
  static constexpr auto reduce = dtype::bf16;
};
struct SplitsNarrow : precision::Bf16Pure {
  static constexpr bool splits_master = true;
};

template <class Precision>
std::string refusal() {
  return test::sentence([] { laws::precision<Precision>(); });
}

TEST_CASE("the laws refuse a broken Precision policy") {
  CHECK_THAT(refusal<Narrow>(), ContainsSubstring("[ashlar.law.5]") && ContainsSubstring("comes back as"));
  CHECK_THAT(refusal<ReducesNarrow>(),
             ContainsSubstring("[ashlar.law.6]") &&
                 ContainsSubstring("2 bytes an element where the optimizer reads 4"));
  CHECK_THAT(refusal<SplitsNarrow>(),
             ContainsSubstring("[ashlar.law.13]") && ContainsSubstring("got 2 and 2"));
}

template <class Precision>
concept holds_as_constant = requires { typename std::bool_constant<laws::precision<Precision>()>; };
static_assert(holds_as_constant<precision::Fp32>);
static_assert(!holds_as_constant<Narrow> && !holds_as_constant<ReducesNarrow> &&
              !holds_as_constant<SplitsNarrow>);

}  // namespace
}  // namespace ashlar
