// What a recipe says in words, and what it must not say.
#pragma once

#include <string>

#include <ashlar/concepts/optimizer.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {

// The recipe itself. [ashlar.train.4] names the number that makes no sense.
const Recipe& checked(const Recipe& recipe, double learning_rate);
void check_setting(const Setting&);
template <class Optimizer>
const Recipe& checked(const Recipe& recipe, const Optimizer& optimizer) {
  if constexpr (requires { optimizer.settings(); })
    for (const Setting& setting : optimizer.settings()) check_setting(setting);
  return checked(recipe, optimizer.learning_rate);
}

// A number so that it reads back as the same one.
std::string exact(double number);

// What a checkpoint must match, and what may change between two runs but not between ranks.
std::string words(const Recipe& recipe, const std::string& optimizer);
std::string schedule_words(const Recipe& recipe, double learning_rate);

// `optimizer` by name, with its settings() where it has them.
template <class Optimizer>
std::string words(const Optimizer& optimizer) {
  std::string text(Optimizer::name);
  if constexpr (requires { optimizer.settings(); })
    for (const Setting& setting : optimizer.settings())
      text += ", " + std::string(setting.name) + " " + exact(setting.value);
  return text;
}

}  // namespace ashlar
