// Tape: what a forward and backward would allocate, keep and compute, written down without doing it.
//
// A layer's forward is a template on its tensors. Run on Symbols (symbolic/symbol.hpp), which have a shape
// and a type but no values, it leaves here what LibTorch's autograd would: a graph of nodes with the storages
// they save. Its backward then frees and allocates in the order in which autograd does. Usable in constant
// expressions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/symbolic/lists.hpp>

namespace ashlar {

// Whose kernels run: LibTorch's for the CPU, with one thread, or for NVIDIA's GPUs.
enum class kernels { cpu, cuda };

class Tape {
 public:
  // Whose output a node read, and the bytes of the gradient it makes for it.
  struct Input {
    static constexpr long handed_on = 0;      // it hands on the gradient it got
    static constexpr long as_for_first = -1;  // it is the gradient of its first input

    int node = -1;  // -1: no gradient is wanted
    long bytes = handed_on;
    int output = 0;  // which of the node's
  };

  // What a graph makes.
  struct Output {
    int node = -1;
    int storage = -1;
    int output = 0;  // which of the node's
  };

  struct Node {
    Few<int, 8> saved{};  // storages that wait for backward
    Few<Input, 8> inputs{};
    long beside = 0;         // bytes that live while backward makes its gradients
    long after = 0;          // bytes that it takes, and frees again, when it has made those of its inputs
    long parameters = 0;     // bytes of parameters' gradients that wait in autograd for the end of the unit
    double flops = 0;        // of backward
    bool* weight = nullptr;  // whether its gradient is still to be written: the first goes into the flat
    long weight_bytes = 0;   // of any later one
    bool joins = false;      // its gradients are the parts of one
    bool sums = false;       // it saves nothing, as it only adds or subtracts
    int inner = -1;          // the graph that runs inside
    Few<int, 8> arrived{};   // storages of its outputs' gradients, while backward runs; -1 for none
  };

  constexpr Tape(kernels runs, dtype computes, dtype reduces)
      : run(runs), compute(computes), reduce(reduces) {
    graphs_.push_back(Graph());
  }

  kernels run;
  dtype compute, reduce;
  bool records = true;  // autograd is on

  constexpr long live() const { return live_; }
  constexpr long peak() const { return peak_; }  // bytes
  constexpr double flops() const { return flops_; }

  // Storages, counted by holders.
  constexpr int allocate(long size) {
    const long bytes =
        run == kernels::cuda ? (size + 511) / 512 * 512 : size;  // CUDACachingAllocator's blocks
    change(bytes);
    if (free_ < 0) return static_cast<int>(storages_.push_back(Storage{bytes, 1}));
    const int storage = std::exchange(free_, at(free_).next);
    at(storage) = {bytes, 1};
    return storage;
  }
  constexpr void hold(int storage) { ++at(storage).holders; }
  constexpr void release(int storage) {
    Storage& released = at(storage);
    if (--released.holders > 0) return;
    change(-released.bytes);
    released.next = std::exchange(free_, storage);
  }
  constexpr long bytes(int storage) const { return storages_[static_cast<std::size_t>(storage)].bytes; }

  // Bytes taken and given back at once.
  constexpr void touch(long bytes) {
    change(bytes);
    change(-bytes);
  }
  constexpr void compute_now(double flops) { (virtual_ ? trace_flops_ : flops_) += flops; }

  // Which of a recomputed layer's forwards is under way (engine/recomputation.hpp), and what they hand on.
  enum class Forward { only, first, second };
  struct Recomputation {
    Forward forward = Forward::only;
    Many<int> kept{};  // storages
    std::size_t taken = 0;
    std::size_t nodes = 0;  // up to that of the last product
    double flops = 0;       // of that product

    constexpr bool retakes() const { return forward == Forward::second && taken < kept.size(); }
  };
  Recomputation recomputation{};

  // Of an operation that may leave it out, and notes its node next.
  constexpr void compute_product(double flops) {
    compute_now(flops);
    recomputation.nodes = graph().nodes.size() + 1;
    recomputation.flops = flops;
  }
  // A second forward is over. Nothing reads its last product if the later nodes only add and subtract.
  constexpr void leave_out_product() {
    std::size_t nodes = graph().nodes.size();
    while (nodes > recomputation.nodes && graph().nodes[nodes - 1].sums) --nodes;
    if (nodes == recomputation.nodes) compute_now(-recomputation.flops);
  }

  // A node of the current graph; -1 when autograd is off.
  constexpr int note(const Node& node) {
    if (!records) return -1;
    for (const int storage : node.saved) hold(storage);
    return static_cast<int>(graph().nodes.push_back(node));
  }

  // Inside and outside of a module that is one node of the outer graph (engine/nested.hpp).
  constexpr int open_graph() {
    const std::size_t inner = graphs_.push_back(Graph());
    graphs_[inner].outer = now_;
    return now_ = static_cast<int>(inner);
  }
  // The outputs live until the graph's backward has ended. `part`: of a unit the bytes that its reduced
  // gradient takes then, until the step is over; -1 of another module.
  constexpr void close_graph(const Few<Output, 8>& outputs, long part) {
    for (const Output& output : outputs) hold(output.storage);
    graph().outputs = outputs;
    graph().part = part;
    now_ = graph().outer;
  }

  // From here on nothing happens: what would happen is written into a trace, for the backward of the graph
  // `inner`.
  struct Rewind {
    bool records, was_virtual;
    Many<long> trace;
    double flops;
  };
  constexpr Rewind begin_rerun() {
    Rewind before{records, virtual_, std::move(trace_), trace_flops_};
    records = virtual_ = true;
    trace_ = {};
    trace_flops_ = 0;
    return before;
  }
  constexpr void end_rerun(int inner, Rewind&& before) {
    graphs_[index(inner)].kept = std::move(recomputation.kept);
    graphs_[index(inner)].trace = std::move(trace_);
    graphs_[index(inner)].trace_flops = trace_flops_;
    records = before.records;
    virtual_ = before.was_virtual;
    trace_ = std::move(before.trace);
    trace_flops_ = before.flops;
  }

  // The backward of the outermost graph, from a scalar; `part` as that of a unit.
  constexpr void backward(int output, long part) {
    const int seed = allocate(4);
    const long parameters = run_backward(now_, {Output{.node = output}}, {seed});
    release(seed);
    change(-parameters);
    keep(part);
    graph() = {};
  }

  // Bytes that stay until the step is over.
  constexpr void keep(long bytes) {
    if (bytes > 0) allocate(bytes);
  }

 private:
  struct Storage {
    long bytes = 0;
    int holders = 0;
    int next = -1;  // of those that are free
  };
  struct Graph {
    Many<Node> nodes{};
    int outer = 0;
    Few<Output, 8> outputs{};
    long part = -1;      // of a unit, whose parameters' gradients are complete when it ends
    Many<long> trace{};  // of a forward that runs again before the backward
    double trace_flops = 0;
    Many<int> kept{};  // what the first forward set aside for that
  };

  static constexpr std::size_t index(int i) { return static_cast<std::size_t>(i); }
  constexpr Storage& at(int storage) { return storages_[index(storage)]; }
  constexpr Graph& graph() { return graphs_[index(now_)]; }

  constexpr void change(long bytes) {
    if (bytes == 0) return;
    if (virtual_) {
      trace_.push_back(bytes);
    } else {
      live_ += bytes;
      peak_ = std::max(peak_, live_);
    }
  }

  // Reverse order of creation, as autograd's queue has it. Returns the bytes of parameters' gradients that it
  // leaves.
  // `seeds`: storages of the outputs' gradients, as many as there are.
  constexpr long run_backward(int which, const Few<Output, 8>& outputs, const Few<int, 8>& seeds) {
    long parameters = 0;
    Many<Node> nodes = std::move(graphs_[index(which)].nodes);
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      if (seeds[i] < 0 || outputs[i].node < 0) continue;
      hold(seeds[i]);
      arrive(nodes[index(outputs[i].node)], seeds[i], outputs[i].output);
    }
    for (std::size_t n = nodes.size(); n-- > 0;) {
      if (is_leaf(nodes[n])) continue;
      if (!nodes[n].arrived.empty()) parameters += run_node(nodes, nodes[n]);
      for (const int storage : nodes[n].saved) release(storage);
    }
    graphs_[index(which)].nodes = std::move(nodes);
    return parameters;
  }

  // What a nested graph was given: it has no inputs, and its gradient is the graph's result.
  static constexpr bool is_leaf(const Node& node) {
    return node.inputs.empty() && node.saved.empty() && node.parameters == 0 && node.weight == nullptr;
  }

  constexpr long run_node(Many<Node>& nodes, Node& node) {
    compute_now(node.flops);
    long parameters = 0;
    Few<int, 8> made;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) made.push_back(-1);
    if (node.inner >= 0) {
      parameters += run_inner(node, made);
    } else {
      change(node.beside);
      for (std::size_t i = 0; i < made.size(); ++i) {
        if (node.inputs[i].node < 0) continue;
        if (node.inputs[i].bytes > 0) {
          made[i] = allocate(node.inputs[i].bytes);
        } else {
          made[i] = node.inputs[i].bytes == Input::as_for_first ? made[0] : node.arrived[0];
          hold(made[i]);
        }
      }
      touch(node.after);
      parameters += node.parameters + weight_gradient(node);
      change(parameters);
      change(-node.beside);
    }
    for (const int gradient : node.arrived)
      if (gradient >= 0) release(gradient);
    node.arrived.clear();
    for (std::size_t i = 0; i < made.size(); ++i)
      if (made[i] >= 0) arrive(nodes[index(node.inputs[i].node)], made[i], node.inputs[i].output);
    return parameters;
  }

  constexpr long weight_gradient(const Node& node) {
    if (node.weight == nullptr) return 0;
    return std::exchange(*node.weight, false) ? 0 : node.weight_bytes;
  }

  constexpr long run_inner(Node& node, Few<int, 8>& made) {
    const int which = node.inner;
    for (const long bytes : graphs_[index(which)].trace) change(bytes);
    compute_now(graphs_[index(which)].trace_flops);
    const Few<Output, 8> outputs = graphs_[index(which)].outputs;
    const long parameters = run_backward(which, outputs, node.arrived);
    Graph& inner = graphs_[index(which)];
    std::size_t leaf = 0;
    for (std::size_t i = 0; i < made.size(); ++i) {
      if (node.inputs[i].node < 0) continue;
      Few<int, 8>& arrived = inner.nodes[leaf++].arrived;
      if (arrived.empty()) continue;
      made[i] = arrived[0];
      if (at(made[i]).holders > 1) {  // somebody else's: autograd's leaves own their gradients
        const int copy = allocate(bytes(made[i]));
        release(made[i]);
        made[i] = copy;
      }
    }
    for (const Output& output : outputs) release(output.storage);
    const long part = inner.part;
    Many<int> kept = std::move(inner.kept);
    inner = {};
    if (part >= 0) {
      change(-parameters);
      keep(part);
    }
    for (const int storage : kept) release(storage);
    return part < 0 ? parameters : 0;
  }

  // Sums into one of the two where nobody else holds it.
  constexpr void arrive(Node& node, int gradient, int output) {
    if (node.joins) {
      node.arrived.push_back(gradient);
      return;
    }
    while (node.arrived.size() <= index(output)) node.arrived.push_back(-1);
    int& sum = node.arrived[index(output)];
    if (sum < 0) {
      sum = gradient;
    } else if (at(sum).holders == 1) {
      release(gradient);
    } else if (at(gradient).holders == 1) {
      release(sum);
      sum = gradient;
    } else {
      const int added = allocate(std::max(bytes(sum), bytes(gradient)));
      release(gradient);
      release(sum);
      sum = added;
    }
  }

  Many<Storage> storages_{};
  int free_ = -1;
  Many<Graph> graphs_{};
  int now_ = 0;
  long live_ = 0, peak_ = 0;
  double flops_ = 0;
  bool virtual_ = false;
  Many<long> trace_{};
  double trace_flops_ = 0;
};

}  // namespace ashlar
