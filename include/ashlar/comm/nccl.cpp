#include <ashlar/comm/nccl.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <ashlar/comm/detail/operands.hpp>
#include <ashlar/comm/detail/rendezvous.hpp>
#include <ashlar/comm/during.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/error.hpp>
#include <ashlar/report/tensor_memory.hpp>

namespace ashlar::comm {
namespace {

using detail::Memory;
using detail::Rendezvous;

void check(cudaError_t code, const char* call) {
  if (code == cudaSuccess) return;
  throw Error("comm.16", std::string(call) + " to succeed", cudaGetErrorString(code),
              "look at the first error of any rank; CUDA_LAUNCH_BLOCKING=1 finds the kernel");
}

void check(ncclResult_t code, const char* call, ncclComm_t comm = nullptr) {
  if (code == ncclSuccess) return;
  const std::string last = ncclGetLastError(comm);
  throw Error("comm.16", std::string(call) + " to succeed",
              ncclGetErrorString(code) + (last.empty() ? "" : " (" + last + ")"),
              "set NCCL_DEBUG=WARN to see more");
}

ncclDataType_t sum_type(const char* what, c10::ScalarType type) {
  switch (type) {
    case c10::kFloat:
      return ncclFloat32;
    case c10::kDouble:
      return ncclFloat64;
    case c10::kBFloat16:
      return ncclBfloat16;
    case c10::kHalf:
      return ncclFloat16;
    case c10::kInt:
      return ncclInt32;
    case c10::kLong:
      return ncclInt64;
    case c10::kByte:
      return ncclUint8;
    default:
      throw Error("comm.2",
                  "float32, float64, bfloat16, float16, int32, int64 or uint8 for " + std::string(what),
                  c10::toString(type), "convert the tensor before");
  }
}

// The GPU of this rank, made current. Where the launcher shows each process one GPU only, that one is number
// 0.
int take_device(const Launch& launch) {
  int count = 0;
  if (const auto code = cudaGetDeviceCount(&count); code != cudaSuccess || count == 0)
    throw Error("comm.15", "a CUDA device", code == cudaSuccess ? "none" : cudaGetErrorString(code),
                "use comm::Mpi on this machine");
  const int device = count == 1 ? 0 : launch.local_rank;
  if (device >= count)
    throw Error(
        "comm.15",
        "a GPU for each process of this host, so " + std::to_string(launch.local_rank + 1) + " or more",
        std::to_string(count), "start " + std::to_string(count) + " processes a host");
  check(cudaSetDevice(device), "cudaSetDevice");
  return device;
}

// A communicator and the stream that its collectives run on.
struct Lane {
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;
  cudaEvent_t ready = nullptr;  // what the caller's stream held when a collective was called
};

enum LaneOf { gathers, sums };

// Gathers between registered memory are left to the copy engines, which take no multiprocessor.
ncclConfig_t config_of(LaneOf lane) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
#ifdef NCCL_CTA_POLICY_ZERO  // NCCL 2.28 or newer
  if (lane == gathers) config.CTAPolicy = NCCL_CTA_POLICY_ZERO;
#endif
  return config;
}

// Memory that all ranks' copy engines can write, for as long as the communicator of the gathers is there.
class Registered {
 public:
  Registered(std::size_t size, ncclComm_t comm, int device)
      : size_(size), comm_(comm), device_(c10::kCUDA, static_cast<c10::DeviceIndex>(device)) {
    check(ncclMemAlloc(&memory_, size_), "ncclMemAlloc", comm_);
    check(ncclCommWindowRegister(comm_, memory_, size_, &window_, NCCL_WIN_COLL_SYMMETRIC),
          "ncclCommWindowRegister", comm_);
    report::count_tensor_bytes(device_, static_cast<std::int64_t>(size_));
  }
  // While an exception unwinds the GPU may wait for a rank that is lost: then the process gives it back.
  ~Registered() {
    report::count_tensor_bytes(device_, -static_cast<std::int64_t>(size_));
    if (std::uncaught_exceptions() > 0) return;
    leave();
    ncclMemFree(memory_);
  }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

  // Before the communicator goes.
  void leave() {
    if (comm_ == nullptr) return;
    cudaDeviceSynchronize();
    ncclCommWindowDeregister(comm_, window_);
    comm_ = nullptr;
  }

  bool holds(const void* data, std::size_t bytes) const {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory_), at = reinterpret_cast<std::uintptr_t>(data);
    return at >= begin && at + bytes <= begin + size_;
  }

  static Tensor tensor(const std::shared_ptr<Registered>& registered) {
    return at::from_blob(
        registered->memory_, {static_cast<long>(registered->size_)}, [registered](void*) {},
        at::TensorOptions().dtype(at::kByte).device(registered->device_));
  }

 private:
  void* memory_ = nullptr;
  std::size_t size_;
  ncclComm_t comm_;
  ncclWindow_t window_ = nullptr;
  c10::Device device_;
};

}  // namespace

struct Nccl::Event {
  cudaEvent_t event = nullptr;
  State* state = nullptr;
};

struct Nccl::State {
  Launch launch;
  int device;
  Lane lanes[2];
  std::vector<Event*> pool;
  std::vector<std::weak_ptr<Registered>> registered;
  int* token = nullptr;  // one device integer, for barrier()
  // What the watching thread looks at: set once each communicator is whole, cleared before it goes.
  std::atomic<ncclComm_t> watched[2]{nullptr, nullptr};
  std::shared_ptr<Rendezvous> rendezvous;  // none in a world of one
  int exceptions = std::uncaught_exceptions();

  explicit State(const Launch& given) : launch(given), device(take_device(given)) {
    int least = 0, greatest = 0;
    check(cudaDeviceGetStreamPriorityRange(&least, &greatest), "cudaDeviceGetStreamPriorityRange");
    for (Lane& lane : lanes) {
      check(cudaStreamCreateWithPriority(&lane.stream, cudaStreamNonBlocking, greatest),
            "cudaStreamCreateWithPriority");
      check(cudaEventCreateWithFlags(&lane.ready, cudaEventDisableTiming), "cudaEventCreateWithFlags");
    }
    check(cudaMalloc(&token, sizeof *token), "cudaMalloc");
    check(cudaMemset(token, 0, sizeof *token), "cudaMemset");
  }

  // Apart from the constructor, so that a failure here finds a whole State to take down.
  void open() {
    if (launch.world > 1) meet();
    for (int lane : {gathers, sums}) connect(lane);
  }

  void meet() {
    Rendezvous::Hooks hooks;
    hooks.failure = [this] { return failure(); };
    hooks.abort = [this] {
      for (auto& comm : watched)
        if (const auto c = comm.exchange(nullptr)) ncclCommAbort(c);
    };
    rendezvous = std::make_shared<Rendezvous>(launch, hooks, process_environment(), Rendezvous::Times{});
    open_rendezvous().push_back(rendezvous);
    detail::join({launch.rank, agree, end});
  }

  // Those that were not left, in the order they were made: a failure is reported after the stack, and with it
  // this State, is gone. Empty after a clean end: then each rank is on its own.
  static std::vector<std::shared_ptr<Rendezvous>>& open_rendezvous() {
    static std::vector<std::shared_ptr<Rendezvous>> open;
    return open;
  }

  static detail::World::Verdict agree(const std::string& sentence) {
    const auto& open = open_rendezvous();
    return open.empty() ? detail::World::Verdict{.everyone = false, .prints = true}
                        : open.front()->agree(sentence);
  }

  static void end(int code) {
    if (const auto& open = open_rendezvous(); !open.empty()) open.front()->end(code);
  }

  void connect(int lane) {
    ncclUniqueId id{};
    if (launch.rank == 0) check(ncclGetUniqueId(&id), "ncclGetUniqueId");
    if (rendezvous) {
      const auto bytes =
          rendezvous->from_root("nccl/" + std::to_string(lane), std::string(id.internal, sizeof id.internal));
      bytes.copy(id.internal, sizeof id.internal);
    }
    ncclConfig_t config = config_of(static_cast<LaneOf>(lane));
    check(ncclCommInitRankConfig(&lanes[lane].comm, launch.world, id, launch.rank, &config),
          "ncclCommInitRankConfig");
    watched[lane] = lanes[lane].comm;
  }

  // On the watching thread.
  std::string failure() {
    for (auto& comm : watched) {
      const ncclComm_t c = comm;
      ncclResult_t code = ncclSuccess;
      if (c && ncclCommGetAsyncError(c, &code) == ncclSuccess && code != ncclSuccess &&
          code != ncclInProgress)
        return std::string("NCCL: ") + ncclGetErrorString(code) + " (" + ncclGetLastError(c) + ")";
    }
    return "";
  }

  // While an exception unwinds, the others may be inside a collective that this rank will never join: nothing
  // that waits for them is done, and the process, which is about to end, gives the rest back.
  ~State() {
    const bool unwinding = std::uncaught_exceptions() > exceptions;
    if (unwinding) {
      if (rendezvous) rendezvous->stop();
      return;
    }
    const During during(Joint::leave, launch.world);
    for (Lane& lane : lanes) cudaStreamSynchronize(lane.stream);
    try {
      if (rendezvous) rendezvous->leave();
    } catch (const std::exception&) {  // the store is gone: so are the others
    }
    for (auto& comm : watched) comm = nullptr;
    for (const auto& memory : registered)
      if (const auto held = memory.lock()) held->leave();
    for (Lane& lane : lanes) {
      ncclCommDestroy(lane.comm);
      cudaStreamDestroy(lane.stream);
      cudaEventDestroy(lane.ready);
    }
    for (Event* event : pool) {
      cudaEventDestroy(event->event);
      delete event;
    }
    cudaFree(token);
    std::erase(open_rendezvous(), rendezvous);
  }

  State(const State&) = delete;
  State& operator=(const State&) = delete;

  cudaStream_t current() const {
    return c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device));
  }

  bool is_registered(const Tensor& tensor) const {
    return std::ranges::any_of(registered, [&](const auto& memory) {
      const auto held = memory.lock();
      return held && held->holds(tensor.const_data_ptr(), tensor.nbytes());
    });
  }

  Event* take() {
    if (!pool.empty()) {
      Event* event = pool.back();
      pool.pop_back();
      return event;
    }
    auto* event = new Event{.state = this};
    check(cudaEventCreateWithFlags(&event->event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
    return event;
  }

  // `call` enqueues on the lane, after the caller's stream and before the event of the Work.
  template <class Call>
  Work run(LaneOf which, const char* what, Call&& call) {
    Lane& lane = lanes[which];
    check(cudaEventRecord(lane.ready, current()), "cudaEventRecord");
    check(cudaStreamWaitEvent(lane.stream, lane.ready, 0), "cudaStreamWaitEvent");
    check(call(lane), what, lane.comm);
    Event* done = take();
    Work work(done);
    check(cudaEventRecord(done->event, lane.stream), "cudaEventRecord");
    return work;
  }
};

Nccl::Work::Work(Work&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}

Nccl::Work& Nccl::Work::operator=(Work&& other) noexcept {
  std::swap(event_, other.event_);
  return *this;
}

// Streams that were told to wait for the event wait for what it stood for then: it can be recorded anew at
// once.
Nccl::Work::~Work() {
  if (event_) event_->state->pool.push_back(event_);
}

void Nccl::Work::wait() {
  if (event_) check(cudaStreamWaitEvent(event_->state->current(), event_->event, 0), "cudaStreamWaitEvent");
}

Nccl::Nccl(const Launch& launch) : state_(std::make_unique<State>(launch)) {
  state_->open();
}
Nccl::~Nccl() = default;
Nccl::Nccl(Nccl&&) noexcept = default;
Nccl& Nccl::operator=(Nccl&&) noexcept = default;

int Nccl::rank() const {
  return state_->launch.rank;
}
int Nccl::size() const {
  return state_->launch.world;
}
int Nccl::device() const {
  return state_->device;
}

void Nccl::barrier() {
  const During during(Joint::barrier, size());
  state_
      ->run(sums, "ncclAllReduce",
            [&](const Lane& lane) {
              return ncclAllReduce(state_->token, state_->token, 1, ncclInt32, ncclSum, lane.comm,
                                   lane.stream);
            })
      .wait();
  check(cudaStreamSynchronize(state_->lanes[sums].stream), "cudaStreamSynchronize");
}

Tensor Nccl::gather_memory(long bytes) {
  if (size() == 1 || bytes == 0)
    return at::zeros({bytes}, at::TensorOptions().dtype(at::kByte).device(
                                  at::kCUDA, static_cast<c10::DeviceIndex>(device())));
  const auto made =
      std::make_shared<Registered>(static_cast<std::size_t>(bytes), state_->lanes[gathers].comm, device());
  std::erase_if(state_->registered, [](const auto& memory) { return memory.expired(); });
  state_->registered.push_back(made);
  return Registered::tensor(made).zero_();
}

// Moved as bytes: every dtype. NCCL sees from the addresses that an operation is in place. It takes the copy
// engines where what is sent is registered, too: this rank's own piece is, once it stands where it belongs.
Nccl::Work Nccl::all_gather(const Tensor& whole, const Tensor& part) {
  detail::expect_pieces("all_gather", whole, part, rank(), size(), Memory::device);
  if (whole.numel() == 0) return {};
  return state_->run(gathers, "ncclAllGather", [&](const Lane& lane) {
    const void* from = part.const_data_ptr();
    if (state_->is_registered(whole)) {
      void* own = static_cast<char*>(whole.data_ptr()) + static_cast<std::size_t>(rank()) * part.nbytes();
      if (from != own)
        check(cudaMemcpyAsync(own, from, part.nbytes(), cudaMemcpyDeviceToDevice, lane.stream),
              "cudaMemcpyAsync");
      from = own;
    }
    return ncclAllGather(from, whole.data_ptr(), part.nbytes(), ncclUint8, lane.comm, lane.stream);
  });
}

Nccl::Work Nccl::reduce_scatter(const Tensor& part, const Tensor& whole) {
  detail::expect_pieces("reduce_scatter", whole, part, rank(), size(), Memory::device);
  const auto type = sum_type("reduce_scatter", whole.scalar_type());
  if (whole.numel() == 0) return {};
  return state_->run(sums, "ncclReduceScatter", [&](const Lane& lane) {
    return ncclReduceScatter(whole.const_data_ptr(), part.data_ptr(), static_cast<std::size_t>(part.numel()),
                             type, ncclSum, lane.comm, lane.stream);
  });
}

Nccl::Work Nccl::all_reduce(const Tensor& tensor) {
  detail::expect_tensor("all_reduce", tensor, Memory::device);
  const auto type = sum_type("all_reduce", tensor.scalar_type());
  if (tensor.numel() == 0) return {};
  return state_->run(sums, "ncclAllReduce", [&](const Lane& lane) {
    return ncclAllReduce(tensor.const_data_ptr(), tensor.data_ptr(), static_cast<std::size_t>(tensor.numel()),
                         type, ncclSum, lane.comm, lane.stream);
  });
}

Nccl::Work Nccl::broadcast(const Tensor& tensor, int root) {
  detail::expect_tensor("broadcast", tensor, Memory::device);
  detail::expect_root(root, size());
  if (tensor.numel() == 0) return {};
  return state_->run(gathers, "ncclBroadcast", [&](const Lane& lane) {
    return ncclBroadcast(tensor.const_data_ptr(), tensor.data_ptr(), tensor.nbytes(), ncclUint8, root,
                         lane.comm, lane.stream);
  });
}

}  // namespace ashlar::comm
