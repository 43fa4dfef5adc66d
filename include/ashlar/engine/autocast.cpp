#include <ashlar/engine/autocast.hpp>

#include <cstddef>

namespace ashlar {

Autocast Autocast::now() {
  Autocast now;
  for (std::size_t i = 0; i < kinds.size(); ++i)
    now.devices_[i] = {at::autocast::is_autocast_enabled(kinds[i]),
                       at::autocast::get_autocast_dtype(kinds[i])};
  return now;
}

Autocast::Autocast(const std::vector<std::int64_t>& numbers) {
  for (std::size_t i = 0; i < kinds.size(); ++i)
    devices_[i] = {numbers[2 * i] != 0, static_cast<at::ScalarType>(numbers[2 * i + 1])};
}

std::vector<std::int64_t> Autocast::numbers() const {
  std::vector<std::int64_t> all;
  for (const Device& each : devices_) {
    all.push_back(each.casts ? 1 : 0);
    all.push_back(static_cast<std::int64_t>(each.type));
  }
  return all;
}

void Autocast::set() const {
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    at::autocast::set_autocast_enabled(kinds[i], devices_[i].casts);
    at::autocast::set_autocast_dtype(kinds[i], devices_[i].type);
  }
}

AutocastGuard::AutocastGuard(const Autocast& then) : differs_(!(then == now_)) {
  if (differs_) then.set();
}

AutocastGuard::~AutocastGuard() {
  if (!differs_) return;
  at::autocast::clear_cache();
  now_.set();
}

}  // namespace ashlar
