#include <ashlar/report/json_lines.hpp>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <ashlar/error.hpp>

namespace ashlar::report {
namespace {

[[noreturn]] void cannot_write(const std::filesystem::path& file, int cause) {
  throw Error("report.1", "to write metrics to '" + file.string() + "'", std::strerror(cause),
              "check that its directory exists, may be written and has space");
}

double seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()) / 1000;
}

// The lines to keep. Only the last may be broken: a run that was killed wrote half of it.
std::string lines_before(const std::filesystem::path& file, std::int64_t next_step) {
  std::string kept, line;
  std::ifstream in(file);
  for (std::int64_t number = 1; std::getline(in, line); ++number) {
    if (in.eof()) break;  // no newline at its end
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains("step") || !object["step"].is_number_integer())
      throw Error("report.2", "JSON lines with a step in '" + file.string() + "'",
                  "something else in line " + std::to_string(number), "give the metrics another file");
    if (object["step"].get<std::int64_t>() < next_step) kept += line + '\n';
  }
  return kept;
}

// Written beside and renamed, so that a kill here loses no line.
void keep_lines_before(const std::filesystem::path& file, std::int64_t next_step) {
  if (!std::filesystem::exists(file)) return;
  const std::string kept = lines_before(file, next_step);
  std::filesystem::path beside = file;
  beside += ".partial";
  errno = EIO;
  std::ofstream out(beside, std::ios::binary);
  out << kept << std::flush;
  if (!out) cannot_write(beside, errno);
  std::error_code failed;
  std::filesystem::rename(beside, file, failed);
  if (failed) cannot_write(file, failed.value());
}

}  // namespace

JsonLines::JsonLines(std::filesystem::path file, int rank, std::int64_t next_step) : path_(std::move(file)) {
  if (rank != 0) return;
  if (next_step > 0) keep_lines_before(path_, next_step);
  file_.reset(std::fopen(path_.c_str(), next_step > 0 ? "ae" : "we"));
  if (!file_) cannot_write(path_, errno);
}

void JsonLines::write(const Metrics& metrics) {
  if (!file_) return;
  nlohmann::ordered_json line{{"step", metrics.step}};
  const auto put = [&](const char* key, const auto& value) {
    if (value) line[key] = *value;
  };
  put("loss", metrics.loss);
  put("validation_loss", metrics.validation_loss);
  put("gradient_norm", metrics.gradient_norm);
  put("learning_rate", metrics.learning_rate);
  put("tokens_per_second", metrics.tokens_per_second);
  put("bytes_in_use", metrics.bytes_in_use);
  line["time"] = seconds_since_1970();
  const std::string text = line.dump() + '\n';
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() || std::fflush(file_.get()) != 0)
    cannot_write(path_, errno);
}

}  // namespace ashlar::report
