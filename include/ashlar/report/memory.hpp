// Memory of this process, as the kernel counts it; shared pages, such as mapped files, are included.
#pragma once

#include <cstdint>

namespace ashlar::report {

std::int64_t resident_bytes();       // now, from /proc/self/statm; 0 where there is no /proc
std::int64_t peak_resident_bytes();  // since the start, from /proc/self/status; 0 where there is no /proc

}  // namespace ashlar::report
