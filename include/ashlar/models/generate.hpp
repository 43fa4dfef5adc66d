// generate: text from a language model, one token after the other.
//
//     const auto logits = [&](const auto& ids) { return model.forward(ids); };
//     std::cout << models::generate(logits, "In the beginning", {.tokens = 200, .context = shape.context});
//
// The same seed gives the same text on every rank, so a sharded model is asked by all ranks together.
#pragma once

#include <ashlar/cxx20.hpp>

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::models {

struct Sampling {
  long tokens = 200;         // how many to add
  long context = 1024;       // the most that the model is shown at once; older ones are dropped
  double temperature = 0.8;  // below 1 more certain, above 1 more varied; 0 takes the likeliest token always
  long top_k = 40;           // choose among so many likeliest tokens; 0 among all
  std::uint64_t seed = 0;
};

// One token drawn from softmax(logits / temperature) over the top_k likeliest, the lower id first among
// equals. Throws when a logit is not a number.
std::int64_t sample(const at::Tensor& logits,  // (V), any type and device
                    const Sampling& sampling, std::mt19937_64& random);

namespace detail {
at::Tensor last_ids(std::span<const std::int64_t> ids,
                    long context);                        // (1, T), T at most context, on the CPU
std::vector<std::int64_t> to_ids(std::string_view text);  // one a byte; a newline for no text
std::string to_text(std::span<const std::int64_t> ids);   // throws for ids above 255
}  // namespace detail

// Adds sampling.tokens tokens to a prompt of at least one. `logits` maps ids (1, T), on the CPU, to (1, T,
// V).
std::vector<std::int64_t> generate_ids(auto&& logits, std::vector<std::int64_t> ids,
                                       const Sampling& sampling = {}) {
  const c10::AutoGradMode no_gradients(false);
  std::mt19937_64 random(sampling.seed);
  for (long i = 0; i < sampling.tokens; ++i) {
    const at::Tensor all = logits(detail::last_ids(ids, sampling.context));  // (1, T, V)
    ids.push_back(sample(all.select(0, 0).select(0, -1), sampling, random));
  }
  return ids;
}

// The same for models whose tokens are bytes. Returns the prompt and what follows it.
std::string generate(auto&& logits, std::string_view prompt, const Sampling& sampling = {}) {
  return detail::to_text(generate_ids(logits, detail::to_ids(prompt), sampling));
}

// A text of bytes as a terminal may show it: valid UTF-8 as it is; control characters, which could move the
// cursor or change what stands there, and bytes that are no UTF-8 as \xNN. Line ends and tabs stay.
std::string printable(std::string_view text);

}  // namespace ashlar::models
