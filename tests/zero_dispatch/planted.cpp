// What symbols.sh must find: each way of deciding at run time, where a trainer's step would do it.
#include <any>
#include <cstdio>
#include <functional>
#include <string>
#include <variant>

namespace ashlar {

struct Policy {
  virtual ~Policy() = default;
  virtual int reduce(int x) const = 0;
};
struct Zero3 : Policy {
  int reduce(int x) const override { return x + 1; }
};

template <class Strategy>
struct Training {
  explicit Training(int factor) : hook([factor](int x) { return factor * x; }) {}

  Strategy strategy{};
  std::function<int(int)> hook;
  std::variant<int, std::string> choice;
  std::any extra;

  __attribute__((noinline)) int step(const std::string& name, int x) {
    const Policy& policy = strategy;
    if (name == "Zero3") x = policy.reduce(x);
    if (hook) x = hook(x);
    if (const int* set = std::any_cast<int>(&extra)) x += *set;
    return x + std::visit([](const auto& chosen) { return static_cast<int>(sizeof(chosen)); }, choice);
  }
};

}  // namespace ashlar

int main(int argc, char** argv) {
  ashlar::Training<ashlar::Zero3> training(argc);
  if (argc > 1) training.choice = std::string(argv[1]);
  if (argc > 2) training.extra = argc;
  std::printf("%d\n", training.step(argv[0], argc));
}
