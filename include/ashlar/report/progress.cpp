#include <ashlar/report/progress.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace ashlar::report {
namespace {

template <class... Numbers>
std::string print(const char* format, Numbers... numbers) {
  char text[64];
  std::snprintf(text, sizeof text, format, numbers...);
  return text;
}

std::string count(double n) {
  if (n < 1e4) return print("%.0f", n);
  if (n < 1e7) return print("%.1fk", n / 1e3);
  return print("%.1fM", n / 1e6);
}

std::string duration(double seconds) {
  const auto s = static_cast<long long>(seconds + 0.5);
  if (s < 60) return print("%lld s", s);
  if (s < 3600) return print("%lld min %lld s", s / 60, s % 60);
  return print("%lld h %lld min", s / 3600, s / 60 % 60);
}

std::string bytes(std::int64_t n) {
  const double mebi = static_cast<double>(n) / (1 << 20);
  return mebi < 10240 ? print("%.0f MiB", mebi) : print("%.1f GiB", mebi / 1024);
}

// Columns of the terminal that `to` is; 0 for anything else. Launchers such as mpirun hand their processes a
// terminal without a size and copy what comes out to anywhere, often a file.
int columns_of(std::FILE* to) {
  winsize size{};
  if (::isatty(::fileno(to)) != 1 || ::ioctl(::fileno(to), TIOCGWINSZ, &size) != 0) return 0;
  if (size.ws_col > 0) return size.ws_col;
  const char* launcher = std::getenv("ASHLAR_COLUMNS");
  return launcher ? std::atoi(launcher) : 0;
}

bool is_terminal(std::FILE* to) {
  const char* kind = std::getenv("TERM");
  return columns_of(to) > 1 && !(kind && std::string_view(kind) == "dumb");
}

bool wants_colour() {
  const char* no = std::getenv("NO_COLOR");
  return !(no && *no);
}

// Columns a line may fill; one is left free, so that the cursor stays on the line.
std::size_t columns(std::FILE* to) {
  return static_cast<std::size_t>(std::max(columns_of(to), 2)) - 1;
}

}  // namespace

std::string progress_line(const Metrics& metrics, std::int64_t total_steps,
                          std::optional<double> seconds_left) {
  const std::string total = std::to_string(total_steps), step = std::to_string(metrics.step);
  std::string line =
      "step " + std::string(total.size() - std::min(total.size(), step.size()), ' ') + step + '/' + total;
  if (metrics.loss) line += print("  loss %.4f", *metrics.loss);
  if (metrics.tokens_per_second) line += "  " + count(*metrics.tokens_per_second) + " tokens/s";
  if (seconds_left) line += "  " + duration(*seconds_left) + " left";
  if (metrics.bytes_in_use) line += "  " + bytes(*metrics.bytes_in_use) + " a rank";
  return line;
}

Progress::Progress(std::int64_t total_steps, int rank, std::FILE* to,
                   std::chrono::duration<double> between_plain_lines)
    : total_(total_steps),
      to_(rank == 0 ? to : nullptr),
      terminal_(to_ && is_terminal(to_)),
      colour_(terminal_ && wants_colour()),
      between_(terminal_ ? std::chrono::milliseconds(100) : between_plain_lines) {}

Progress::~Progress() {
  if (!to_ || line_.empty()) return;
  std::fputc('\n', to_);
  std::fflush(to_);
}

void Progress::step(const Metrics& metrics) {
  if (!to_) return;
  const auto now = Clock::now();
  const bool first = first_step_ < 0;
  if (first) first_step_ = metrics.step, began_ = now;
  if (!first && metrics.step < total_ && now - shown_ < between_) return;
  shown_ = now;
  show(progress_line(metrics, total_, seconds_left(metrics.step)));
}

std::optional<double> Progress::seconds_left(std::int64_t step) const {
  if (step <= first_step_) return std::nullopt;
  const std::chrono::duration<double> passed = Clock::now() - began_;
  return passed.count() / static_cast<double>(step - first_step_) *
         static_cast<double>(std::max<std::int64_t>(total_ - step, 0));
}

void Progress::show(const std::string& line) {
  if (terminal_) {
    line_ = line.substr(0, columns(to_));
    std::fprintf(to_, colour_ ? "\r\x1b[1m%s\x1b[0m\x1b[K" : "\r%s\x1b[K", line_.c_str());
  } else {
    std::fprintf(to_, "%s\n", line.c_str());
  }
  std::fflush(to_);
}

void Progress::say(std::string_view line) {
  if (!to_) return;
  const std::string unfinished = std::exchange(line_, {});
  if (!unfinished.empty()) std::fputs("\r\x1b[K", to_);
  std::fprintf(to_, "%.*s\n", static_cast<int>(line.size()), line.data());
  if (!unfinished.empty()) show(unfinished);
  std::fflush(to_);
}

}  // namespace ashlar::report
