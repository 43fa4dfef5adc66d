#include <ashlar/nn/parameter.hpp>

#include <ATen/core/Tensor.h>

namespace ashlar::nn {

const Tensor& lent(const Tensor* tensor) {
  if (tensor == nullptr)
    throw Error("model.12", "a parameter that was lent a tensor", "one that was not",
                "write it into BOOST_HANA_DEFINE_STRUCT, and run the model by a trainer or Standalone");
  if (tensor->numel() > 0 && tensor->storage().data() == nullptr) throw read_while_sharded();
  return *tensor;
}

Error read_while_sharded() {
  return {"model.14", "a parameter to be used while its unit runs", "one that is sharded now",
          "run the module by its own trainer, load it before make(), and take values by full_parameters()"};
}

}  // namespace ashlar::nn
