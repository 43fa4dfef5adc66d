#include <ashlar/engine/recipe.hpp>

#include <charconv>
#include <cmath>

#include <ashlar/error.hpp>

namespace ashlar {

namespace {

void expect(bool holds, const std::string& what, const std::string& got, const char* remedy) {
  if (!holds) throw Error("train.4", what, got, remedy);
}

}  // namespace

void check_setting(const Setting& setting) {
  const auto& [name, value, least, below] = setting;
  const bool bounded = std::isfinite(least);
  expect(value >= least && (value < below || !bounded),
         std::string(name) + (bounded ? " of at least " + exact(least) : " that is a number") +
             (std::isfinite(below) ? " and below " + exact(below) : ""),
         exact(value), "correct the optimizer");
}

const Recipe& checked(const Recipe& recipe, double learning_rate) {
  expect(recipe.clip_norm > 0, "a clip_norm above 0", exact(recipe.clip_norm),
         "leave Recipe::clip_norm out to clip nothing");
  expect(recipe.micro_batches >= 1, "at least 1 micro-batch", std::to_string(recipe.micro_batches),
         "correct Recipe::micro_batches");
  expect(learning_rate >= 0 && learning_rate <= std::numeric_limits<double>::max(),
         "a finite learning rate of at least 0", exact(learning_rate), "correct the optimizer");
  const auto& [warmup, total, floor] = recipe.schedule;
  expect(warmup >= 0 && total >= 0 && floor >= 0 && floor <= 1,
         "a schedule of at least 0 steps that ends at a factor from 0 to 1",
         std::to_string(warmup) + " and " + std::to_string(total) + " steps and " + exact(floor),
         "correct Recipe::schedule");
  return recipe;
}

std::string exact(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

std::string words(const Recipe& recipe, const std::string& optimizer) {
  return optimizer + ", seed " + std::to_string(recipe.seed) + ", clip_norm " + exact(recipe.clip_norm) +
         ", " + std::to_string(recipe.micro_batches) + " micro-batches";
}

std::string schedule_words(const Recipe& recipe, double learning_rate) {
  const auto& [warmup, total, floor] = recipe.schedule;
  return "learning rate " + exact(learning_rate) + ", " + std::to_string(warmup) + " steps of warm-up, " +
         std::to_string(total) + " in all, down to " + exact(floor) + " of it";
}

}  // namespace ashlar
