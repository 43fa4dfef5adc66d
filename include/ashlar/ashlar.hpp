// Everything but the policies (ashlar/policies.hpp) and the communicators that need a library of their own
// (ashlar/comm/mpi.hpp, ashlar/comm/nccl.hpp), and LibTorch's operators. Smaller includes compile faster.
#pragma once

#include <ashlar/cxx20.hpp>

#include <ATen/ATen.h>

#include <ashlar/comm/solo.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/optim/sgd.hpp>
#include <ashlar/training.hpp>
