// Laws as constants: static_assert is all that they need, with g++ and with clang++, on models of full size.
#include <ashlar/laws/precision.hpp>
#include <ashlar/laws/wrap.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/policies.hpp>

namespace ashlar {
namespace {

using Gpt = models::Gpt<models::gpt2>;
using Llama = models::Llama<models::llama3_8b>;

static_assert(laws::wrap<wrap::WholeModel, Gpt>());
static_assert(laws::wrap<wrap::Each<Gpt::Block>, Gpt>());
static_assert(laws::wrap<wrap::Each<Llama::Block>, Llama>());
static_assert(laws::wrap<wrap::BySize<1 << 20>, Llama>());

static_assert(laws::precision<precision::Bf16Mixed>());
static_assert(laws::precision<precision::Bf16Split>());

// What breaks a law is no constant, so it can be no condition of a static_assert.
template <class Wrap>
concept keeps_the_laws = requires { typename std::bool_constant<laws::wrap<Wrap, Gpt>()>; };
static_assert(keeps_the_laws<wrap::Each<Gpt::Block>>);
static_assert(!keeps_the_laws<wrap::Each<Llama::Block>>, "it does not apply");
static_assert(!keeps_the_laws<wrap::Each<Gpt::Tokens>>, "the head is tied to the embedding");

}  // namespace
}  // namespace ashlar
