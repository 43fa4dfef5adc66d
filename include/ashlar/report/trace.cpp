#include <ashlar/report/trace.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include <ashlar/error.hpp>

namespace ashlar::report {
namespace {

constexpr std::array<const char*, lanes> lane_names{"compute", "all-gather", "reduce-scatter, all-reduce",
                                                    "optimizer"};

[[noreturn]] void cannot_write_trace(const std::filesystem::path& file, int cause) {
  throw Error("report.3", "to write a trace to '" + file.string() + "'", std::strerror(cause),
              "check that its directory exists, may be written and has space");
}

using Span = std::pair<double, double>;

// The slices of two lanes as spans that do not overlap, in order.
std::vector<Span> spans_of(const std::vector<Slice>& slices, Lane one, Lane other) {
  std::vector<Span> all, merged;
  for (const Slice& slice : slices)
    if (slice.lane == one || slice.lane == other) all.emplace_back(slice.begin, slice.end);
  std::ranges::sort(all);
  for (const auto& [begin, end] : all)
    if (merged.empty() || begin > merged.back().second)
      merged.emplace_back(begin, end);
    else
      merged.back().second = std::max(merged.back().second, end);
  return merged;
}

double length(const std::vector<Span>& spans) {
  double sum = 0;
  for (const auto& [begin, end] : spans) sum += end - begin;
  return sum;
}

// Of spans that are in order and do not overlap.
double length_of_common(const std::vector<Span>& a, const std::vector<Span>& b) {
  double sum = 0;
  for (auto i = a.begin(), k = b.begin(); i != a.end() && k != b.end();) {
    sum += std::max(0.0, std::min(i->second, k->second) - std::max(i->first, k->first));
    i->second < k->second ? ++i : ++k;
  }
  return sum;
}

}  // namespace

std::string to_text(const Timeline& timeline) {
  auto all = nlohmann::json::array({timeline.met});
  for (const auto& [lane, name, begin, end, bytes] : timeline.slices)
    all.push_back({static_cast<int>(lane), name, begin, end, bytes});
  return all.dump();
}

Timeline timeline_of(std::string_view text) {
  const auto all = nlohmann::json::parse(text);
  Timeline timeline{.slices = {}, .met = all[0]};
  for (auto slice = all.begin() + 1; slice != all.end(); ++slice) {
    const auto& [lane, name, begin, end, bytes] =
        slice->get<std::tuple<int, std::string, double, double, long>>();
    timeline.slices.push_back({static_cast<Lane>(lane), name, begin, end, bytes});
  }
  return timeline;
}

Summary summarize(const std::vector<Slice>& slices) {
  if (slices.empty()) return {};
  const auto computing = spans_of(slices, Lane::compute, Lane::optimizer);
  const auto sending = spans_of(slices, Lane::gathers, Lane::sums);
  const double begin = std::ranges::min(slices, {}, &Slice::begin).begin;
  const double end = std::ranges::max(slices, {}, &Slice::end).end;
  return {.step = (end - begin) / 1e3,
          .compute = length(computing) / 1e3,
          .communication = length(sending) / 1e3,
          .hidden = length_of_common(computing, sending) / 1e3};
}

std::string describe(const Summary& summary) {
  char line[160];
  std::snprintf(line, sizeof line,
                "step %.1f ms: %.1f ms of compute, %.1f ms of communication, of which %.1f %% hidden",
                summary.step, summary.compute, summary.communication, 100 * summary.hidden_fraction());
  return line;
}

TraceFile::TraceFile(std::filesystem::path file, int rank) : path_(std::move(file)) {
  if (rank != 0) return;
  file_.reset(std::fopen(path_.c_str(), "we"));
  if (!file_) cannot_write_trace(path_, errno);
}

void TraceFile::write(std::vector<Timeline> ranks, const Summary& summary) {
  if (!file_) return;
  double first = std::numeric_limits<double>::max();
  for (const Timeline& rank : ranks) first = std::min(first, -rank.met);
  auto events = nlohmann::ordered_json::array();
  const auto name = [&](const char* what, int rank, int lane, const auto& args) {
    events.push_back({{"name", what}, {"ph", "M"}, {"pid", rank}, {"tid", lane}, {"args", args}});
  };
  using Args = nlohmann::ordered_json;
  for (int rank = 0; rank < static_cast<int>(ranks.size()); ++rank) {
    const Timeline& own = ranks[static_cast<std::size_t>(rank)];
    name("process_name", rank, 0, Args{{"name", "rank " + std::to_string(rank)}});
    for (int lane = 0; lane < lanes; ++lane) {
      name("thread_name", rank, lane, Args{{"name", lane_names[static_cast<std::size_t>(lane)]}});
      name("thread_sort_index", rank, lane, Args{{"sort_index", lane}});
    }
    for (const Slice& slice : own.slices)
      events.push_back({{"name", slice.name},
                        {"ph", "X"},
                        {"ts", slice.begin - own.met - first},
                        {"dur", slice.end - slice.begin},
                        {"pid", rank},
                        {"tid", static_cast<int>(slice.lane)},
                        {"args", slice.bytes > 0 ? Args{{"bytes", slice.bytes}} : Args::object()}});
  }
  const nlohmann::ordered_json all{{"traceEvents", events},
                                   {"displayTimeUnit", "ms"},
                                   {"otherData",
                                    {{"step_ms", summary.step},
                                     {"compute_ms", summary.compute},
                                     {"communication_ms", summary.communication},
                                     {"hidden", summary.hidden_fraction()}}}};
  const std::string text = all.dump() + '\n';
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() || std::fflush(file_.get()) != 0)
    cannot_write_trace(path_, errno);
}

}  // namespace ashlar::report
