// libtorch: no
#include <ashlar/state/safetensors.hpp>

#include <cstring>

#include "data/temporary.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string decoding(std::string_view json, std::uint64_t data_bytes) {
  return test::sentence([&] { state::decode(json, data_bytes, "a.safetensors"); });
}

}  // namespace

TEST_CASE("a head is written byte for byte as the format says") {
  const auto bytes = state::encode({{{"w", "F32", {2, 3}, 0, 24}}, {{"k", "v"}}});
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  CHECK(length == bytes.size() - 8);
  const std::string json =
      R"({"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})";
  CHECK(bytes.substr(8, json.size()) == json);
  CHECK(bytes.substr(8 + json.size()) == std::string(length - json.size(), ' '));
}

TEST_CASE("what was encoded is decoded, scalars and empty tensors too") {
  const state::SafetensorsHead head{{{"a \"quoted\" name", "BF16", {3, 5}, 0, 30},
                                     {"empty", "F32", {0, 4}, 30, 30},
                                     {"scalar", "I64", {}, 30, 38},
                                     {"bytes", "U8", {1}, 38, 39}},
                                    {{"xxh64:scalar", "0123456789abcdef"}}};
  const auto again = state::decode(std::string_view(state::encode(head)).substr(8), 39, "a");
  REQUIRE(again.tensors.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(again.tensors[i].name == head.tensors[i].name);
    CHECK(again.tensors[i].dtype == head.tensors[i].dtype);
    CHECK(again.tensors[i].shape == head.tensors[i].shape);
    CHECK(again.tensors[i].begin == head.tensors[i].begin);
    CHECK(again.tensors[i].end == head.tensors[i].end);
  }
  CHECK(again.metadata == head.metadata);
}

TEST_CASE("a head that another writer made is read: any order of keys, padding, no metadata") {
  const auto head = state::decode(
      R"({"b":{"data_offsets":[4,8],"shape":[1],"dtype":"F32"}, "a":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]}}   )",
      8, "a");
  CHECK(head.tensors[0].name == "a");
  CHECK(head.tensors[1].name == "b");
}

TEST_CASE("each damage is refused in its own words") {
  const std::string f32 = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  CHECK(decoding("{\"a\":{" + f32 + "}}", 8) == "no error");

  for (const auto& [json, bytes, says] : std::vector<std::tuple<std::string, unsigned, std::string>>{
           {"", 0u, "does not begin with '{'"},
           {" {}", 0u, "does not begin with '{'"},
           {"{", 0u, "no JSON object"},
           {"{\"a\":{" + f32 + "}", 8u, "no JSON object"},
           {"{} {}", 0u, "no JSON object"},
           {"{\"a\":{" + f32 + "},\"a\":{" + f32 + "}}", 8u, "the key 'a' twice"},
           {"{\"a\":{" + f32 + ",\"dtype\":\"F32\"}}", 8u, "the key 'dtype' twice"},
           {"{\"a\":{" + f32 + ",\"more\":1}}", 8u, "other fields"},
           {"{\"a\":[]}", 0u, "other fields"},
           {R"({"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", 8u, "dtype \"F33\" of tensor 'a'"},
           {R"({"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}})", 8u, "dtype 7"},
           {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8u, "shape [-2] of tensor 'a'"},
           {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8u, "shape [2.0]"},
           {R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", 8u, "shape 2"},
           {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
            "shape [4294967296"},
           {R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0,
            "shape [46116860"},
           {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})", 8,
            "shape [18446"},
           {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8u, "data_offsets [0]"},
           {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8u, "need 8 bytes"},
           {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}})", 7u, "need 8 bytes"},
           {"{\"a\":{" + f32 + "}}", 9u, "9 bytes of data instead of 8"},
           {"{\"a\":{" + f32 + "}}", 7u, "7 bytes of data instead of 8"},
           {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12,
            "tensor 'a' at byte 4 instead of 0"},
           {"{\"a\":{" + f32 + "},\"b\":{" + f32 + "}}", 8u, "tensor 'b' at byte 0 instead of 8"},
           {R"({"__metadata__":[]})", 0u, "__metadata__"},
           {R"({"__metadata__":{"k":1}})", 0u, "__metadata__ 'k' that is no text"},
       }) {
    CAPTURE(json);
    CHECK_THAT(decoding(json, bytes), ContainsSubstring("[ashlar.state.8]") && ContainsSubstring(says) &&
                                          ContainsSubstring("'a.safetensors'"));
  }
}

TEST_CASE("no byte of a head can be changed into a crash") {
  const auto bytes =
      state::encode({{{"w", "F32", {2, 3}, 0, 24}, {"v", "U8", {1}, 24, 25}}, {{"k", "v"}}}).substr(8);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (int value = 0; value < 256; ++value) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(value);
      const auto said = decoding(damaged, 25);
      REQUIRE((said == "no error" || said.starts_with("[ashlar.state.8]")));
    }
}
