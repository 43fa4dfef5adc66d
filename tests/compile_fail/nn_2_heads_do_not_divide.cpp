// expect-error: [ashlar.nn.2]
#include <ashlar/models/gpt.hpp>

using namespace ashlar;

#ifdef FIXED
constexpr models::GptShape shape{.heads = 4, .dim = 128};
#else
constexpr models::GptShape shape{.heads = 5, .dim = 128};
#endif

static_assert(sizeof(models::Gpt<shape>) > 0);
