#include <ashlar/models/generate.hpp>

#include <ATen/ops/empty.h>
#include <algorithm>
#include <cmath>
#include <numeric>

#include <ashlar/error.hpp>

namespace ashlar::models {

std::int64_t sample(const at::Tensor& logits, const Sampling& sampling, std::mt19937_64& random) {
  const at::Tensor values = logits.detach().to(at::kCPU, at::kDouble).contiguous();
  const std::span<const double> score(values.const_data_ptr<double>(),
                                      static_cast<std::size_t>(values.numel()));
  if (const auto bad = std::ranges::find_if(score, [](double s) { return std::isnan(s); });
      bad != score.end())
    throw Error("models.1", "logits that are numbers", "NaN for token " + std::to_string(bad - score.begin()),
                "the weights have diverged: load an earlier checkpoint");

  std::vector<std::int64_t> order(score.size());
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&](std::int64_t id) { return score[static_cast<std::size_t>(id)]; };
  const auto likelier = [&](std::int64_t a, std::int64_t b) {
    return at(a) != at(b) ? at(a) > at(b) : a < b;
  };
  const bool certain = sampling.temperature <= 0;
  const auto most = certain              ? 1
                    : sampling.top_k > 0 ? static_cast<std::size_t>(sampling.top_k)
                                         : order.size();
  const auto kept = std::min(most, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(), likelier);
  order.resize(kept);
  if (certain) return order.front();

  std::vector<double> upto;  // running sums of the weights
  double sum = 0;
  for (const std::int64_t id : order) {
    sum += std::exp((at(id) - at(order.front())) / sampling.temperature);
    upto.push_back(sum);
  }
  const double drawn = static_cast<double>(random() >> 11) * 0x1p-53 * sum;  // in [0, sum)
  const auto found = std::ranges::upper_bound(upto, drawn);
  return order[std::min(static_cast<std::size_t>(found - upto.begin()), kept - 1)];
}

namespace detail {

at::Tensor last_ids(std::span<const std::int64_t> ids, long context) {
  if (ids.empty() || context < 1)
    throw Error("models.2", "a prompt and a context of at least one token",
                std::to_string(ids.size()) + " and " + std::to_string(context),
                "give the text a first token");
  const auto shown = ids.last(std::min(ids.size(), static_cast<std::size_t>(context)));
  const at::Tensor result = at::empty({1, static_cast<long>(shown.size())}, at::kLong);
  std::ranges::copy(shown, result.mutable_data_ptr<std::int64_t>());
  return result;
}

std::vector<std::int64_t> to_ids(std::string_view text) {
  if (text.empty()) text = "\n";
  std::vector<std::int64_t> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

std::string to_text(std::span<const std::int64_t> ids) {
  std::string text;
  for (const std::int64_t id : ids) {
    if (id > 255)
      throw Error("models.3", "tokens that are bytes", "token " + std::to_string(id),
                  "use generate_ids and the model's own tokenizer");
    text += static_cast<char>(static_cast<unsigned char>(id));
  }
  return text;
}

namespace {

// Bytes of the valid UTF-8 character at the start of `text`, 0 where there is none. Ranges: Unicode 15, table
// 3-7.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto tail = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i)
      if (byte(i) >> 6 != 2) return false;
    return true;
  };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1, 2) ? 2 : 0;
  if (first >> 4 == 0xe)
    return tail(1, 3) && !(first == 0xe0 && second < 0xa0) && !(first == 0xed && second > 0x9f) ? 3 : 0;
  if (first >= 0xf0 && first <= 0xf4)
    return tail(1, 4) && !(first == 0xf0 && second < 0x90) && !(first == 0xf4 && second > 0x8f) ? 4 : 0;
  return 0;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  return first < 0x20 || first == 0x7f ||
         (character.size() == 2 && first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

}  // namespace
}  // namespace detail

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t length = detail::utf8_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    const bool stays = character == "\n" || character == "\t" || text.starts_with("\r\n");
    if (length > 0 && (stays || !detail::is_control(character)))
      shown += character;
    else
      for (const char c : character) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        shown += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
      }
    text.remove_prefix(character.size());
  }
  return shown;
}

}  // namespace ashlar::models
