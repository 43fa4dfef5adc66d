// What nearly every case includes, precompiled: a case then takes a fraction of the time. No policy and no
// LibTorch, which some cases leave out on purpose.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <boost/hana/define_struct.hpp>

#include <ashlar/model/bind.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/plan/choose.hpp>
