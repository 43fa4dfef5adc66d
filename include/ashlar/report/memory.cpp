#include <ashlar/report/memory.hpp>

#include <fstream>
#include <string>

#include <unistd.h>

namespace ashlar::report {

std::int64_t resident_bytes() {
  std::int64_t size = 0, resident = 0;  // pages
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

std::int64_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  return 0;
}

}  // namespace ashlar::report
