// fits: whether a model's forward or loss, or an objective, takes what it is called with, asked of its
// signature alone.
//
// A `requires` that calls it compiles its body, too, where that decides what is returned. A mistake in the
// body would be taken for one in the signature, and be said once more by each that asks. So the member gets a
// rival that takes anything, better in one argument and worse in the others: where the member fits, too, the
// call is ambiguous and no body is compiled; where it does not, the rival is called.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include <ashlar/tensor.hpp>

namespace ashlar {

namespace detail {

struct Rival {};
struct FromAnything {
  template <class T>
  FromAnything(const T&);
};
template <class>
using from_anything = FromAnything;

// The member `name` of M is named twice in Both, and so found in neither, if it is there at all.
struct Forward {
  int forward;
};
struct Loss {
  int loss;
};
struct Call {
  void operator()();
};
template <class M, class Member>
struct Both : M, Member {};

// Better in the module itself, which a forward takes as const.
template <class M, class... Inputs>
struct ForwardRival : M {
  using M::forward;
  Rival forward(FromAnything, from_anything<Inputs>...);
};

// No worse in the module itself: asked of what is static, which the one above does not meet as an equal.
template <class M, class... Inputs>
struct StaticForwardRival : M {
  using M::forward;
  static Rival forward(FromAnything, from_anything<Inputs>...);
};

// Better in the targets, too, for a loss that is not const.
template <class M, class X>
struct LossRival : M {
  using M::loss;
  Rival loss(FromAnything, FromAnything, X&);
};

template <class F, class... Inputs>
struct CallRival : F {
  using F::operator();
  Rival operator()(from_anything<Inputs>...);
};

}  // namespace detail

// A member `forward` or `loss`, whatever it takes.
template <class M>
concept has_forward =
    std::is_class_v<M> && (std::is_final_v<M> || !requires { &detail::Both<M, detail::Forward>::forward; });
template <class M>
concept has_loss =
    std::is_class_v<M> && (std::is_final_v<M> || !requires { &detail::Both<M, detail::Loss>::loss; });

namespace detail {

template <class M, class Run, class... Inputs>
concept forward_called =
    requires(const M& module, Run& run, const Inputs&... inputs) { module.forward(run, inputs...); };
template <class M, class Run, class... Inputs>
concept forward_unrivalled = !requires(ForwardRival<M, Inputs...>& module, Run& run,
                                       const Inputs&... inputs) { module.forward(run, inputs...); };

template <class M, class Run, class... Inputs>
concept forward_static =
    requires(const StaticForwardRival<M, Inputs...>& module, Run& run, const Inputs&... inputs) {
      requires !std::same_as<decltype(module.forward(run, inputs...)), Rival>;
    };

template <class M, class Run, class X>
concept loss_called = requires(M& model, Run& run, const X& x) { model.loss(run, x, x); };
template <class M, class Run, class X>
concept loss_rivalled = requires(LossRival<M, X>& model, Run& run, const X& x, X& y) {
  { model.loss(run, x, y) } -> std::same_as<Rival>;
};

}  // namespace detail

// A const or static forward(run, inputs...). A final module has no rival: it is called.
template <class M, class Run, class... Inputs>
concept forward_fits =
    has_forward<M> && ((std::is_final_v<M> && detail::forward_called<M, Run, Inputs...>) ||
                       (!std::is_final_v<M> && (detail::forward_unrivalled<M, Run, Inputs...> ||
                                                detail::forward_static<M, Run, Inputs...>)));

// A loss(run, inputs, targets) of tensors of type X.
template <class M, class Run, class X = Tensor>
concept loss_fits = has_loss<M> && ((std::is_final_v<M> && detail::loss_called<M, Run, X>) ||
                                    (!std::is_final_v<M> && !detail::loss_rivalled<M, Run, X>));

namespace detail {

template <class F, class... Inputs>
concept called = requires(F& f, Inputs&... inputs) { f(inputs...); };
template <class F, class... Inputs>
concept call_rivalled = requires(CallRival<std::remove_const_t<F>, Inputs...>& f, Inputs&... inputs) {
  { f(inputs...) } -> std::same_as<Rival>;
};

// What is no class has no body that a call would compile, nor has one without inputs that depend on them.
template <class F, class... Inputs>
concept has_rival = std::is_class_v<F> && !std::is_final_v<F> && sizeof...(Inputs) > 0;
template <class F>
concept has_call = !requires { &Both<std::remove_const_t<F>, Call>::operator(); };

}  // namespace detail

// A call of an objective.
template <class F, class... Inputs>
concept call_fits =
    (!detail::has_rival<F, Inputs...> && detail::called<F, Inputs...>) ||
    (detail::has_rival<F, Inputs...> && detail::has_call<F> && !detail::call_rivalled<F, Inputs...>);

namespace detail {

// (call, Returned()) is what the call returns, and a Returned where that is void.
struct Returned {};
template <class T>
constexpr T operator,(T&& value, Returned) {
  return std::forward<T>(value);
}

}  // namespace detail

}  // namespace ashlar
