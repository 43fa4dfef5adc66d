// Every policy. Including only those a program names compiles a little faster.
#pragma once

#include <ashlar/checkpoint/none.hpp>
#include <ashlar/checkpoint/recompute.hpp>
#include <ashlar/checkpoint/recompute_each.hpp>
#include <ashlar/offload/none.hpp>
#include <ashlar/offload/optimizer_to_host.hpp>
#include <ashlar/precision/bf16_mixed.hpp>
#include <ashlar/precision/bf16_pure.hpp>
#include <ashlar/precision/bf16_split.hpp>
#include <ashlar/precision/fp32.hpp>
#include <ashlar/replay/graph.hpp>
#include <ashlar/replay/none.hpp>
#include <ashlar/shard/replicate.hpp>
#include <ashlar/shard/shard_grad_op.hpp>
#include <ashlar/shard/zero1.hpp>
#include <ashlar/shard/zero2.hpp>
#include <ashlar/shard/zero3.hpp>
#include <ashlar/wrap/by_size.hpp>
#include <ashlar/wrap/each.hpp>
#include <ashlar/wrap/whole_model.hpp>
