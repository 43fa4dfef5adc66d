// What everyone who runs a model does first: meet each tensor it needs, lend it memory, and join what is
// tied.
#pragma once

#include <concepts>
#include <cstddef>

#include <ashlar/model/visit.hpp>

namespace ashlar {

// What a tensor of a model is for.
enum class Role {
  trained,  // a parameter with gradient and optimizer state
  frozen,   // a parameter without
  buffer,   // kept and saved, each rank's own
};

// Calls visit(name, tensor, role) for each tensor below `module`, in the order of declaration. `tensor` is an
// nn::Parameter or nn::Buffer, whose `.tensor` is to be set; below a torch module it is a Tensor, which
// already has memory. Tied references are left out, for their owner is met anyway. nn::Frozen leaves no trace
// in the names, so that freezing a layer does not rename what is saved. Usable in constant expressions for
// declared models.
template <class M, class N = Name>
constexpr void for_each_tensor(M& module, auto&& visit, const N& name = {}, bool held = false) {
  if constexpr (parameter<M>) {
    visit(name, module, held ? Role::frozen : Role::trained);
  } else if constexpr (buffer<M>) {
    visit(name, module, Role::buffer);
  } else if constexpr (frozen<M>) {
    for_each_tensor(module.module, visit, name, true);
  } else if constexpr (layer_list<M>) {
    for (std::size_t i = 0; i < module.size(); ++i) for_each_tensor(module[i], visit, name.dot(i), held);
  } else if constexpr (declared_module<M>) {
    for_each_member(module, [&](std::string_view part, auto& member) {
      for_each_tensor(member, visit, name.dot(part), held);
    });
  } else if constexpr (torch_module<M>) {
    for (auto& item : module->named_parameters())
      visit(name.dot(item.key()), item.value(),
            held || !item.value().requires_grad() ? Role::frozen : Role::trained);
    for (auto& item : module->named_buffers()) visit(name.dot(item.key()), item.value(), Role::buffer);
  } else {
    static_assert(tied<M>,
                  "[ashlar.model.1] a declared member must be a Parameter, a Buffer, a module, a list of "
                  "modules or Tied: declare only these with BOOST_HANA_DEFINE_STRUCT");
  }
}

// Calls visit(module) for the module itself and each module, list and tied reference below it.
template <class M>
constexpr void for_each_module(M& module, auto&& visit) {
  if constexpr (!parameter<M> && !buffer<M>) visit(module);
  if constexpr (layer_list<M>) {
    for (auto& layer : module) for_each_module(layer, visit);
  } else if constexpr (declared_module<M>) {
    for_each_member(module, [&](std::string_view, auto& member) { for_each_module(member, visit); });
  }
}

// Points each tied reference in the model at its owner. The model must stay where it is from now on.
template <class M>
constexpr void bind_ties(M& model) {
  for_each_module(model, [&](auto& reference) {
    using Reference = std::remove_reference_t<decltype(reference)>;
    if constexpr (tied<Reference>) {
      using Owner = typename Reference::tied_owner;
      static_assert(
          occurs_once<M, Owner>,
          "[ashlar.model.2] nn::Tied<Owner> needs exactly one Owner in the model: give the owner a type "
          "of its own");
      for_each_module(model, [&](auto& candidate) {
        if constexpr (std::same_as<std::remove_reference_t<decltype(candidate)>, Owner>)
          reference.owner = &candidate;
      });
    }
  });
}

}  // namespace ashlar
