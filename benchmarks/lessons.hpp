// What all benchmarks train on: the bundled text, byte by byte.
#pragma once

#include <string>

#include <ashlar/comm/launch.hpp>
#include <ashlar/data/batches.hpp>
#include <ashlar/data/text.hpp>
#include <ashlar/models/gpt.hpp>

namespace ashlar::bench {

// 10,030,400 parameters.
inline constexpr models::GptShape ten_million{
    .vocabulary = 256, .context = 256, .layers = 8, .heads = 8, .dim = 320};

// `sequences` of `tokens` bytes for each rank in each step.
inline data::Batches<data::Text> lessons(long sequences, long tokens, comm::Place place) {
  return {
      data::Text(ASHLAR_TEXT), {.sequences = sequences * place.world, .tokens = tokens}, place, /*seed=*/1};
}

}  // namespace ashlar::bench
