#include <ashlar/engine/binding.hpp>

#include <ATen/ATen.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/instancenorm.h>

#include <algorithm>
#include <mutex>
#include <type_traits>
#include <utility>

#include <ashlar/engine/sharing.hpp>
#include <ashlar/error.hpp>

namespace ashlar {

namespace {

// A parameter, and the bytes [begin, end) of the storage that it had before. The weak pointer keeps the
// storage's address from being used again.
struct Claim {
  const void* parameter;
  c10::weak_intrusive_ptr<c10::StorageImpl> storage;
  long begin, end;
};

// Of all trainers in the process.
std::mutex claims_guard;
std::vector<Claim>& claims() {
  static std::vector<Claim> all;
  return all;
}

}  // namespace

Claims::~Claims() {
  const std::scoped_lock lock(claims_guard);
  std::erase_if(claims(), [this](const Claim& claim) { return holds(claim.parameter); });
}

void Claims::add(const Tensor& parameter, const std::string& name) {
  const std::scoped_lock lock(claims_guard);
  const auto [begin, end] = bytes_in_storage(parameter);
  const void* key = parameter.unsafeGetTensorImpl();
  auto* storage = parameter.storage().unsafeGetStorageImpl();
  const bool taken = std::ranges::any_of(claims(), [&](const Claim& claim) {
    if (claim.parameter == key) return true;
    return claim.storage._unsafe_get_target() == storage && claim.begin < end && begin < claim.end &&
           !holds(claim.parameter);
  });
  const bool bytes = parameter.numel() == 0 || storage->_mutable_data_ptr_no_checks().get() != nullptr;
  if (!bytes || taken)
    throw Error("model.17", "a torch module that no other trainer trains or has sharded",
                "'" + name + "', which one does or has",
                "make a module for each trainer, and take values by full_parameters()");
  claims().push_back({key, parameter.storage().getWeakStorageImpl(), begin, end});
  claimed_.push_back(key);
}

void Claims::require_declared(const torch::nn::Module& module) {
  if (!run_.insert(&module).second) return;
  const std::scoped_lock lock(claims_guard);
  for (const auto& item : module.named_parameters()) {
    const void* const key = item.value().unsafeGetTensorImpl();
    if (item.value().requires_grad() && std::ranges::find(claims(), key, &Claim::parameter) == claims().end())
      throw Error("model.40", "a torch module that the model declares",
                  "a " + module.name() + " whose '" + item.key() + "' no trainer has",
                  "write it into BOOST_HANA_DEFINE_STRUCT, or call requires_grad_(false) on its parameters");
  }
}

bool Claims::holds(const void* parameter) const {
  return std::ranges::find(claimed_, parameter) != claimed_.end();
}

Place& Binding::add_place(const ParameterSite& site, std::vector<std::int64_t> shape) {
  const auto unit = static_cast<std::size_t>(site.unit);
  if (met_.size() <= unit) met_.resize(unit + 1);
  return places.emplace_back(Place{std::string(site.name.view()), std::move(shape), site.unit, site.trained,
                                   met_[unit][site.trained ? 0 : 1]++});
}

Tensor& Binding::add_buffer(const ModelTensor& buffer, std::uint64_t seed, c10::Device device) {
  buffer_names.push_back(buffer.name);
  Tensor& values =
      buffers.emplace_back(at::zeros(buffer.sizes(), at::TensorOptions().dtype(at::kFloat).device(device)));
  fill(values, buffer.init, parameter_seed(seed, buffer.name));
  return values;
}

void Binding::keep_buffer(const ModelTensor& buffer, const Tensor& values, bool stays) {
  if (stays)
    buffer.own.copy_(values);
  else
    buffer.own.set_data(values);
  buffer_names.push_back(buffer.name);
  buffers.push_back(buffer.own);
}

void Binding::lend(const ModelTensor& parameter, const Place& place, Flat& flat, Intact::Writes writes) {
  const Tensor whole = window(flat.whole, flat.layout.pieces[place.piece].offset, place.shape);
  const Tensor* lent = &parameter.own;
  if (!parameter.declared()) {
    parameter.own.set_data(whole);
    if (place.trained) flat.add_leaf(parameter.own, /*accumulates=*/true);
    flat.of_modules.push_back(parameter.own);
  } else if (place.trained) {
    Leaf& leaf = flat.add_leaf(whole, /*accumulates=*/false);
    *parameter.lent = lent = &leaf.tensor;
    *parameter.gradient = &leaf.gradient;
  } else {
    *parameter.lent = lent = &frozen.emplace_back(whole);
  }
  intact.add(place.name, *lent, flat, writes);
}

namespace detail {

void TorchParameters::meet(const Tensor& parameter, const Place& place) {
  require_versions(parameter, place.name);
  if (!met_.insert(parameter.unsafeGetTensorImpl()).second)
    throw Error("model.5", "every parameter of a torch module to be registered once",
                "'" + place.name + "' a second time", "register it once and use it from both places");
  const auto unit = static_cast<std::size_t>(place.unit);
  if (types_.size() <= unit) types_.resize(unit + 1, at::ScalarType::Undefined);
  at::ScalarType& type = types_[unit];
  if (type == at::ScalarType::Undefined) type = parameter.scalar_type();
  if (at::isComplexType(type))
    throw Error("model.13", "the torch parameters of a unit to have one floating type",
                std::string(at::toString(type)) + " at '" + place.name + "'",
                "register its at::view_as_real() and join that by at::view_as_complex() in forward");
  if (parameter.scalar_type() != type || !at::isFloatingType(type))
    throw Error("model.13", "the torch parameters of a unit to have one floating type",
                std::string(at::toString(parameter.scalar_type())) + " at '" + place.name + "' after " +
                    at::toString(type),
                "convert them by module->to(torch::kFloat); Precision decides in which type they train");
}

namespace {

// LibTorch's layers that keep running statistics.
bool normalises(const torch::nn::Module& module) {
  const auto is = [&]<class... Kinds>(std::type_identity<Kinds>...) {
    return ((dynamic_cast<const Kinds*>(&module) != nullptr) || ...);
  };
  using namespace torch::nn;
  return is(std::type_identity<BatchNorm1dImpl>(), std::type_identity<BatchNorm2dImpl>(),
            std::type_identity<BatchNorm3dImpl>(), std::type_identity<InstanceNorm1dImpl>(),
            std::type_identity<InstanceNorm2dImpl>(), std::type_identity<InstanceNorm3dImpl>());
}

}  // namespace

void require_statistics(const torch::nn::Module& module, at::ScalarType compute, c10::Device device) {
  for (const auto& item : module.named_modules("", true)) {
    if (!normalises(*item.value())) continue;
    const auto parameters = item.value()->named_parameters(false),
               buffers = item.value()->named_buffers(false);
    const Tensor *weight = parameters.find("weight"), *mean = buffers.find("running_mean");
    if (weight == nullptr || mean == nullptr) continue;
    const at::NoGradGuard guard;
    const Tensor x = at::ones({2, weight->numel()}, at::TensorOptions().dtype(compute).device(device)),
                 own = at::ones_like(x[0]), statistics = own.to(mean->scalar_type());
    try {  // what LibTorch takes depends on its version and on the device
      at::batch_norm(x, own, own, statistics, statistics.clone(), /*training=*/true, /*momentum=*/0.1,
                     /*eps=*/1e-5, /*cudnn_enabled=*/true);
    } catch (const c10::Error&) {
      const std::string name = item.key().empty() ? item.value()->name() : "'" + item.key() + "'";
      throw Error(
          "model.20", "a batch normalisation whose weight and running statistics LibTorch takes together",
          std::string(at::toString(mean->scalar_type())) + " statistics in " + name +
              " beside a weight that Precision makes " + at::toString(compute),
          "write precision::Fp32, take a GroupNorm or LayerNorm, or convert the whole module, with its "
          "statistics, by module->to()");
    }
  }
}

Overlap overlap(const Tensor& target, long begin, const Piece& piece) {
  const long first = std::max(begin, piece.offset);
  const long end = std::min(begin + target.numel(), piece.offset + piece.numel);
  return {first - piece.offset, std::max(end - first, 0L)};
}

}  // namespace detail

}  // namespace ashlar
