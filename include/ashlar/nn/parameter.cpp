#include <ashlar/nn/parameter.hpp>

#include <ATen/core/Tensor.h>

#include <ashlar/error.hpp>

namespace ashlar::nn {

const Tensor& lent(const Tensor* tensor) {
  if (tensor == nullptr)
    throw Error("model.12", "a parameter that was lent a tensor", "one that was not",
                "write it into BOOST_HANA_DEFINE_STRUCT, and run the model by a trainer or Standalone");
  if (tensor->numel() > 0 && tensor->storage().data() == nullptr)
    throw Error("model.14", "a parameter to be read while its unit runs", "one that is sharded now",
                "read it in forward, or take trainer.full_parameters()");
  return *tensor;
}

}  // namespace ashlar::nn
