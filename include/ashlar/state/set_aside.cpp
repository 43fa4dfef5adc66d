#include <ashlar/state/set_aside.hpp>

#include <string>
#include <system_error>

#include <ashlar/state/detail/file.hpp>
#include <ashlar/state/manifest.hpp>

namespace ashlar::state::detail {

std::filesystem::path set_aside(const std::filesystem::path& directory) {
  if (steps(directory).empty()) return {};
  const std::filesystem::path whole =
      directory.has_filename() ? directory : directory.parent_path();  // runs/a/ is runs/a
  std::filesystem::path aside;
  int number = 1;
  do {
    aside = whole;
    aside += "." + std::to_string(number++);
  } while (std::filesystem::exists(aside));
  std::error_code failed;
  std::filesystem::rename(whole, aside, failed);
  if (failed) cannot_write(aside, failed.value());
  return aside;
}

}  // namespace ashlar::state::detail
