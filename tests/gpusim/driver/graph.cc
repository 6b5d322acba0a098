#include "tests/gpusim/driver/graph.h"

#include <algorithm>
#include <unordered_map>

#include "tests/gpusim/driver/config.h"
#include "tests/gpusim/driver/context.h"

namespace gpusim::driver {
namespace {

Work nothing() {
  return [](Context &) {};
}

}  // namespace

Work NodeWork::prepare() const {
  switch (type) {
    case CU_GRAPH_NODE_TYPE_KERNEL:
      return [k = kernel](Context &context) { run_kernel(context, k); };
    case CU_GRAPH_NODE_TYPE_MEMCPY:
      return [c = copy](Context &context) { run_copy(context, c); };
    case CU_GRAPH_NODE_TYPE_MEMSET:
      return [f = fill](Context &context) { run_fill(context, f); };
    case CU_GRAPH_NODE_TYPE_HOST:
      return [h = host](Context &) {
        const HostFunctionScope scope;
        h.fn(h.userData);
      };
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
      return [e = event](Context &) { stamp_event(e); };
    default:
      return nothing();
  }
}

NodeWork kernel_node(Kernel kernel) {
  NodeWork work;
  work.type = CU_GRAPH_NODE_TYPE_KERNEL;
  work.kernel = std::move(kernel);
  return work;
}

NodeWork copy_node(Copy copy) {
  NodeWork work;
  work.type = CU_GRAPH_NODE_TYPE_MEMCPY;
  work.copy = std::move(copy);
  return work;
}

NodeWork fill_node(const Fill &fill) {
  NodeWork work;
  work.type = CU_GRAPH_NODE_TYPE_MEMSET;
  work.fill = fill;
  return work;
}

NodeWork host_node(const CUDA_HOST_NODE_PARAMS &host) {
  NodeWork work;
  work.type = CU_GRAPH_NODE_TYPE_HOST;
  work.host = host;
  return work;
}

NodeWork record_node(CUevent event) {
  NodeWork work;
  work.type = CU_GRAPH_NODE_TYPE_EVENT_RECORD;
  work.event = event;
  return work;
}

NodeWork wait_node(CUevent event) {
  NodeWork work;
  work.type = CU_GRAPH_NODE_TYPE_WAIT_EVENT;
  work.event = event;
  return work;
}

Node *add_node(Graph &graph, NodeWork work, std::vector<void *> dependencies) {
  auto *node = Handles::all().make<Node>();
  if (node == nullptr) return nullptr;
  node->graph = graph.handle;
  node->work = std::move(work);
  node->dependencies = std::move(dependencies);
  graph.nodes.push_back(node->handle);
  return node;
}

Graph *clone_graph(const Graph &graph) {
  auto *clone = Handles::all().make<Graph>();
  if (clone == nullptr) return nullptr;
  std::unordered_map<void *, void *> copies;
  for (void *handle : graph.nodes) {
    const auto *node = Handles::all().find<Node>(handle);
    NodeWork work = node->work;
    if (const auto *child = Handles::all().find<Graph>(work.graph)) {
      const Graph *child_clone = clone_graph(*child);
      work.graph = child_clone != nullptr ? child_clone->handle : nullptr;
    }
    Node *copy = add_node(*clone, std::move(work), {});
    if (copy == nullptr) return nullptr;
    copy->original = handle;
    copies[handle] = copy->handle;
  }
  for (void *handle : graph.nodes) {
    const auto *node = Handles::all().find<Node>(handle);
    auto *copy = Handles::all().find<Node>(copies[handle]);
    for (void *dependency : node->dependencies) copy->dependencies.push_back(copies[dependency]);
  }
  return clone;
}

void destroy_graph(void *handle) {
  const auto *graph = Handles::all().find<Graph>(handle);
  if (graph == nullptr) return;
  for (void *node_handle : graph->nodes) {
    const auto *node = Handles::all().find<Node>(node_handle);
    if (node != nullptr && node->work.graph != nullptr) destroy_graph(node->work.graph);
    Handles::all().destroy(node_handle);
  }
  Handles::all().destroy(handle);
}

CUresult check_nodes(const Call &call, const Graph &graph, const CUgraphNode *nodes, size_t count,
                     std::vector<void *> *found) {
  if (count != 0 && nodes == nullptr) return call.null("dependencies");
  if (count > graph.nodes.size()) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "more dependencies than nodes");
  }
  for (size_t i = 0; i < count; i++) {
    const auto *node = Handles::all().find<Node>(nodes[i]);
    if (node == nullptr || node->graph != graph.handle) {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "dependency %zu is no node of the graph", i);
    }
    if (std::find(found->begin(), found->end(), node->handle) != found->end()) {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "dependency %zu is there twice", i);
    }
    found->push_back(node->handle);
  }
  return CUDA_SUCCESS;
}

std::shared_ptr<Program> compile_graph(const Graph &graph) {
  auto program = std::make_shared<Program>();
  std::unordered_map<const void *, size_t> places;
  for (size_t i = 0; i < graph.nodes.size(); i++) places[graph.nodes[i]] = i;
  std::vector<size_t> waits(graph.nodes.size(), 0);
  std::vector<std::vector<size_t>> dependents(graph.nodes.size());
  std::vector<size_t> ready;
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    const auto *node = Handles::all().find<Node>(graph.nodes[i]);
    Step step;
    step.work = node->work;
    step.node = node->handle;
    if (const auto *child = Handles::all().find<Graph>(node->work.graph)) {
      step.child = compile_graph(*child);
      if (step.child == nullptr) return nullptr;
    }
    for (const void *dependency : node->dependencies) {
      step.after.push_back(places[dependency]);
      dependents[places[dependency]].push_back(i);
      waits[i]++;
    }
    if (waits[i] == 0) ready.push_back(i);
    program->steps.push_back(std::move(step));
  }
  size_t done = 0;
  for (; !ready.empty(); done++) {
    const size_t i = ready.back();
    ready.pop_back();
    for (const size_t dependent : dependents[i]) {
      if (--waits[dependent] == 0) ready.push_back(dependent);
    }
  }
  return done == graph.nodes.size() ? program : nullptr;
}

void run_program(Context &context, const Program &program) {
  const size_t count = program.steps.size();
  std::vector<size_t> waits(count);
  std::vector<std::vector<size_t>> dependents(count);
  std::vector<size_t> ready;
  for (size_t i = 0; i < count; i++) {
    waits[i] = program.steps[i].after.size();
    for (const size_t before : program.steps[i].after) dependents[before].push_back(i);
    if (waits[i] == 0) ready.push_back(i);
  }
  while (!ready.empty() && context.sticky == CUDA_SUCCESS) {
    std::swap(ready[next_random() % ready.size()], ready.back());
    const size_t i = ready.back();
    ready.pop_back();
    const Step &step = program.steps[i];
    if (step.enabled && step.child != nullptr) {
      run_program(context, *step.child);
    } else if (step.enabled) {
      step.work.prepare()(context);
    }
    for (const size_t dependent : dependents[i]) {
      if (--waits[dependent] == 0) ready.push_back(dependent);
    }
  }
}

}  // namespace gpusim::driver
