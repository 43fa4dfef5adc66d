// Tied and Frozen: two ways a model uses parameters without training its own.
#pragma once

#include <boost/hana/define_struct.hpp>
#include <utility>

#include <ashlar/tensor.hpp>

namespace ashlar::nn {

// Uses the parameters of the one Owner in the model again, as GPT-2's head uses the token embedding. The
// model's forward reads `tied->weight`. Whoever runs the model binds it; a model with two Owners does not
// compile.
template <class Owner>
struct Tied {
  using tied_owner = Owner;

  const Owner* owner = nullptr;
  constexpr const Owner* operator->() const { return owner; }
};

// The same module with its parameters held fixed: gathered and saved, without gradients or optimizer state.
template <class Module>
struct Frozen {
  using frozen_module = Module;
  BOOST_HANA_DEFINE_STRUCT(Frozen, (Module, module));

  constexpr auto forward(auto& run, auto&&... inputs) const {
    return run(module, std::forward<decltype(inputs)>(inputs)...);
  }
};

}  // namespace ashlar::nn
