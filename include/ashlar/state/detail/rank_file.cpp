#include <ashlar/state/detail/rank_file.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <ashlar/error.hpp>
#include <ashlar/state/checksum.hpp>

namespace ashlar::state::detail {
namespace {

constexpr std::array<std::pair<at::ScalarType, const char*>, 9> dtypes{{{at::kDouble, "F64"},
                                                                        {at::kFloat, "F32"},
                                                                        {at::kBFloat16, "BF16"},
                                                                        {at::kHalf, "F16"},
                                                                        {at::kLong, "I64"},
                                                                        {at::kInt, "I32"},
                                                                        {at::kShort, "I16"},
                                                                        {at::kByte, "U8"},
                                                                        {at::kBool, "BOOL"}}};

std::string dtype_of(const Tensor& tensor) {
  const auto found =
      std::ranges::find(dtypes, tensor.scalar_type(), &std::pair<at::ScalarType, const char*>::first);
  return found == dtypes.end() ? "" : found->second;
}

std::string shape_text(const std::string& dtype, at::IntArrayRef shape) {
  std::string text = dtype + " (";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + ")";
}

std::string checksum_key(const std::string& name) {
  return "xxh64:" + name;
}

std::span<std::byte> bytes_of(const Tensor& host) {
  return {static_cast<std::byte*>(host.data_ptr()), static_cast<std::size_t>(host.nbytes())};
}

// The JSON of a file's head.
std::string read_head(const File& file, const std::string& path) {
  const std::uint64_t size = file.size();
  std::uint64_t length = 0;
  if (size >= sizeof length) file.read(std::as_writable_bytes(std::span(&length, 1)), 0);
  if (size < sizeof length || length > std::min(max_head_bytes, size - sizeof length))
    throw Error("state.8", "a whole safetensors file in '" + path + "'",
                "a head of " + std::to_string(length) + " bytes in a file of " + std::to_string(size),
                "restore it or load another checkpoint");
  std::string text(length, '\0');
  file.read(std::as_writable_bytes(std::span(text)), sizeof length);
  return text;
}

[[noreturn]] void misfit(const std::string& path, const std::string& expected, const std::string& got) {
  throw Error("state.10", expected + " in '" + path + "'", got,
              "load it into the model and optimizer that saved it");
}

}  // namespace

SafetensorsHead head_of(const std::vector<Entry>& tensors) {
  SafetensorsHead head;
  std::uint64_t end = 0;
  const std::string none(16, '0');
  for (const auto& [name, tensor] : tensors) {
    const auto refuse = [called = name](const std::string& got) {
      throw Error("state.11", "tensors that can be saved", got + " '" + called + "'",
                  "fix what hands over the snapshot");
    };
    if (name == "__metadata__") refuse("the reserved name");
    if (!tensor.defined()) refuse("an undefined tensor");
    const std::string dtype = dtype_of(tensor);
    if (dtype.empty()) refuse(std::string("dtype ") + c10::toString(tensor.scalar_type()) + " of");
    if (!head.metadata.emplace(checksum_key(name), none).second) refuse("twice the name");
    const std::uint64_t begin = std::exchange(end, end + tensor.nbytes());
    head.tensors.push_back({name, dtype, tensor.sizes().vec(), begin, end});
  }
  return head;
}

void write_tensors(const std::filesystem::path& path, const std::vector<Entry>& tensors) {
  SafetensorsHead head = head_of(tensors);
  const std::uint64_t data =
      encode(head).size();  // checksums have a fixed width, so they do not move the data
  File file = File::create(path);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor host = tensors[i].tensor.detach().cpu().contiguous();
    head.metadata[checksum_key(tensors[i].name)] = checksum_of(bytes_of(host));
    file.write(bytes_of(host), data + head.tensors[i].begin);
  }
  const std::string text = encode(head);
  file.write(std::as_bytes(std::span(text)), 0);
  file.finish();
}

std::string head_checksum(const std::filesystem::path& path) {
  const std::string text = read_head(File::open(path), path.string());
  return checksum_of(std::as_bytes(std::span(text)));
}

RankFile::RankFile(const std::filesystem::path& path, const RankFileNote& note,
                   const std::vector<Entry>& tensors)
    : path_(path), file_(File::open(path)) {
  const std::uint64_t size = file_.size();
  if (size != note.bytes)
    throw Error("state.7",
                std::to_string(note.bytes) + " bytes in '" + path.string() + "', as the manifest says",
                std::to_string(size), "restore it or load another checkpoint");
  const std::string text = read_head(file_, path.string());
  data_ = sizeof(std::uint64_t) + text.size();
  head_ = decode(text, size - data_, path.string());
  if (const std::string sum = checksum_of(std::as_bytes(std::span(text))); sum != note.head)
    throw Error("state.9", "checksum " + note.head + " of the head of '" + path.string() + "'", sum,
                "the file is damaged or another checkpoint's, restore it or load another checkpoint");
  std::ranges::sort(head_.tensors, {}, &StoredTensor::name);

  std::set<std::string> wanted;
  for (const auto& [name, tensor] : tensors) {
    wanted.insert(name);
    const auto found = std::ranges::lower_bound(head_.tensors, name, {}, &StoredTensor::name);
    if (found == head_.tensors.end() || found->name != name)
      misfit(path.string(), "tensor '" + name + "'", "none of that name");
    const std::string here = shape_text(dtype_of(tensor), tensor.sizes());
    const std::string there = shape_text(found->dtype, found->shape);
    if (here != there) misfit(path.string(), "tensor '" + name + "' as " + here, there);
    if (!head_.metadata.contains(checksum_key(name)))
      misfit(path.string(), "a checksum of tensor '" + name + "'", "none");
  }
  for (const StoredTensor& stored : head_.tensors)
    if (!wanted.contains(stored.name))
      misfit(path.string(), "only tensors of this run", "also '" + stored.name + "'");
}

void RankFile::check() const {
  std::vector<std::byte> buffer(std::size_t{4} << 20);
  for (const StoredTensor& stored : head_.tensors) {
    Checksum sum;
    for (std::uint64_t at = stored.begin; at < stored.end;) {
      const auto piece = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), stored.end - at));
      file_.read(piece, data_ + at);
      sum.update(piece);
      at += piece.size();
    }
    const std::string& expected = head_.metadata.at(checksum_key(stored.name));
    if (sum.hex() != expected)
      throw Error("state.9",
                  "checksum " + expected + " of tensor '" + stored.name + "' in '" + path_.string() + "'",
                  sum.hex(), "the file is damaged, restore it or load another checkpoint");
  }
}

void RankFile::copy_to(const std::vector<Entry>& tensors) const {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    const StoredTensor& stored = *std::ranges::lower_bound(head_.tensors, name, {}, &StoredTensor::name);
    const bool direct = tensor.is_cpu() && tensor.is_contiguous();
    const Tensor host = direct ? tensor : at::empty(tensor.sizes(), tensor.scalar_type());
    file_.read(bytes_of(host), data_ + stored.begin);
    if (!direct) tensor.copy_(host);
  }
}

}  // namespace ashlar::state::detail
