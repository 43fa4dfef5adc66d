#include <ashlar/nn/lora.hpp>

#include <ATen/ATen.h>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using reference::Weights;

using Adapted = nn::Lora<nn::Linear<7, 3>, 2>;

TEST_CASE("Lora is its formula, and the held layer gets no gradient") {
  reference::require_equal_layer<Adapted>({2, 5, 7}, [](const Weights& w, const Tensor& x) {
    const Tensor weight = w.at("base.weight") + w.at("b").matmul(w.at("a"));
    return x.matmul(weight.t()) + w.at("base.bias");
  });
}

TEST_CASE("Lora starts as the held layer, whose name and values it keeps, and scales its correction") {
  const Tensor x = reference::random({5, 7}, 1);
  Adapted scaled;
  scaled.scale = 10;
  const Standalone<Adapted> adapted(1), stronger(1, {}, scaled);
  CHECK(at::equal(adapted.forward(x),
                  at::linear(x, adapted.parameters()[0].tensor, adapted.parameters()[1].tensor)));
  const Tensor start = adapted.forward(x);
  for (const auto* layer : {&adapted, &stronger}) layer->parameters()[3].tensor.detach().fill_(1);
  CHECK(reference::distance(stronger.forward(x) - start, 10 * (adapted.forward(x) - start)) <
        reference::float32_tolerance);
}

}  // namespace
}  // namespace ashlar
