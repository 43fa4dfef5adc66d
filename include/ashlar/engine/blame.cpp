#include <ashlar/engine/blame.hpp>

#include <cmath>
#include <string>

#include <ashlar/error.hpp>

namespace ashlar {

void detail::blame(const Tensor& found, const std::vector<ModuleName>& modules,
                   const std::vector<Name>& units, const Report& report, bool has_buffers) {
  const Tensor first = std::get<0>(found.cpu().min(0));
  const long module = first[0].item().toLong(), unit = first[1].item().toLong();
  const auto quote = [](const Name& name) {
    return name.size > 0 ? "'" + std::string(name.view()) + "'" : "the root";
  };
  std::string where = "the objective itself";
  if (module != Found::none)
    where = "the output of " + quote(modules[static_cast<size_t>(module)].name);
  else if (std::isfinite(report.loss) && unit != Found::none)
    where = "the gradient of unit " + quote(units[static_cast<size_t>(unit)]);
  throw Error(
      "train.2", "a finite loss and gradient at step " + std::to_string(report.step),
      "loss " + std::to_string(report.loss) + " and gradient norm " + std::to_string(report.gradient_norm) +
          ", first not finite in " + where,
      std::string(
          "lower the learning rate or set Recipe::clip_norm; the parameters are those of the step before") +
          (has_buffers ? ", but the buffers have seen this batch, so state::resume() before you go on" : ""));
}

}  // namespace ashlar
