// Tracing: the recorder of one step, and the file that the timelines of all ranks go to.
#pragma once

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ashlar/concepts/communicator.hpp>
#include <ashlar/engine/recorder.hpp>
#include <ashlar/report/trace.hpp>

namespace ashlar {

// Every rank's text, in the order of ranks, on every rank. Collective.
template <has_all_gather Comm>
std::vector<std::string> gather_texts(Comm& comm, c10::Device device, const std::string& own) {
  const Tensor size = at::full({1}, static_cast<long>(own.size()), at::kLong).to(device);
  Tensor sizes = size.repeat({comm.size()});
  comm.all_gather(sizes, size).wait();
  sizes = sizes.cpu();
  Tensor text = at::zeros({sizes.max().item().toLong()}, at::kByte);
  std::memcpy(text.data_ptr(), own.data(), own.size());
  text = text.to(device);
  Tensor all = text.repeat({comm.size()});
  comm.all_gather(all, text).wait();
  all = all.cpu().view({comm.size(), -1});
  std::vector<std::string> texts;
  for (int rank = 0; rank < comm.size(); ++rank)
    texts.emplace_back(static_cast<const char*>(all[rank].const_data_ptr()),
                       static_cast<size_t>(sizes[rank].item().toLong()));
  return texts;
}

class Tracing {
 public:
  Tracing(std::filesystem::path file, int rank, c10::Device device)
      : file_(std::move(file), rank), recorder_(std::in_place, device) {}

  // Anew for each step that is tried.
  Recorder& recorder() { return *recorder_; }
  void restart(c10::Device device) { recorder_.emplace(device); }

  // Writes the file. The mean over the ranks. Collective.
  template <class Comm>
  report::Summary finish(Comm& comm, c10::Device device) {
    std::vector<report::Timeline> ranks;
    report::Summary mean{};
    for (const std::string& text : gather_texts(comm, device, to_text(recorder_->timeline()))) {
      ranks.push_back(report::timeline_of(text));
      const report::Summary own = report::summarize(ranks.back().slices);
      mean.step += own.step / comm.size();
      mean.compute += own.compute / comm.size();
      mean.communication += own.communication / comm.size();
      mean.hidden += own.hidden / comm.size();
    }
    file_.write(std::move(ranks), mean);
    return mean;
  }

 private:
  report::TraceFile file_;
  std::optional<Recorder> recorder_;
};

}  // namespace ashlar
