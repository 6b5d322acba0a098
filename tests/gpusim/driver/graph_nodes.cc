/* Entry points that make graphs, and look at or change their nodes. */
#include <algorithm>

#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/graph.h"

namespace gpusim::driver {
namespace {

/* Copies handles out as the API does: *count is the room, then the number given. */
CUresult give(const Call &call, const std::vector<void *> &from, CUgraphNode *to, size_t *count) {
  if (count == nullptr) return call.null("the count");
  if (to == nullptr) {
    *count = from.size();
    return CUDA_SUCCESS;
  }
  for (size_t i = 0; i < *count; i++) {
    to[i] = i < from.size() ? static_cast<CUgraphNode>(from[i]) : nullptr;
  }
  *count = std::min(*count, from.size());
  return CUDA_SUCCESS;
}

std::vector<void *> dependents(const Graph &graph, const void *node) {
  std::vector<void *> found;
  for (void *handle : graph.nodes) {
    const auto &after = Handles::all().find<Node>(handle)->dependencies;
    if (std::find(after.begin(), after.end(), node) != after.end()) found.push_back(handle);
  }
  return found;
}

Node *find_node(const Call &call, CUgraphNode handle, CUresult *error) {
  auto *node = Handles::all().find<Node>(handle);
  if (node == nullptr) *error = call.bad_handle("node");
  return node;
}

}  // namespace
}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::find_node;
using gpusim::driver::Graph;
using gpusim::driver::Handles;
using gpusim::driver::Node;

CUresult cuGraphCreate(CUgraph *made, unsigned flags) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  if (made == nullptr) return call.null("phGraph");
  if (flags != 0) return call.fail(CUDA_ERROR_INVALID_VALUE, "flags must be 0");
  const auto *graph = Handles::all().make<Graph>();
  if (graph == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  *made = gpusim::driver::handle_of<CUgraph>(*graph);
  return CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph handle) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  const auto *graph = Handles::all().find<Graph>(handle);
  if (graph == nullptr || graph->captured_into) return call.bad_handle("graph");
  gpusim::driver::destroy_graph(handle);
  return CUDA_SUCCESS;
}

CUresult cuGraphClone(CUgraph *made, CUgraph handle) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  const auto *graph = Handles::all().find<Graph>(handle);
  if (graph == nullptr) return call.bad_handle("graph");
  if (made == nullptr) return call.null("phGraphClone");
  const Graph *clone = gpusim::driver::clone_graph(*graph);
  if (clone == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  *made = gpusim::driver::handle_of<CUgraph>(*clone);
  return CUDA_SUCCESS;
}

CUresult cuGraphNodeFindInClone(CUgraphNode *found, CUgraphNode original, CUgraph handle) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  const auto *graph = Handles::all().find<Graph>(handle);
  if (graph == nullptr) return call.bad_handle("graph");
  if (found == nullptr) return call.null("phNode");
  for (void *node : graph->nodes) {
    if (original == nullptr || Handles::all().find<Node>(node)->original != original) continue;
    *found = static_cast<CUgraphNode>(node);
    return CUDA_SUCCESS;
  }
  return call.fail(CUDA_ERROR_INVALID_VALUE, "the graph holds no clone of the node");
}

CUresult cuGraphAddDependencies_v2(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to,
                                   const CUgraphEdgeData *, size_t count) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  const auto *graph = Handles::all().find<Graph>(handle);
  if (graph == nullptr) return call.bad_handle("graph");
  if (count != 0 && (from == nullptr || to == nullptr)) return call.null("from or to");
  for (size_t i = 0; i < count; i++) {
    std::vector<void *> ends;
    if (const CUresult error = check_nodes(call, *graph, &from[i], 1, &ends)) return error;
    if (const CUresult error = check_nodes(call, *graph, &to[i], 1, &ends)) return error;
    auto &after = Handles::all().find<Node>(to[i])->dependencies;
    if (std::find(after.begin(), after.end(), from[i]) != after.end()) {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "edge %zu is there already", i);
    }
    after.push_back(ends[0]);
  }
  return CUDA_SUCCESS;
}

CUresult cuGraphRemoveDependencies_v2(CUgraph handle, const CUgraphNode *from,
                                      const CUgraphNode *to, const CUgraphEdgeData *,
                                      size_t count) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  const auto *graph = Handles::all().find<Graph>(handle);
  if (graph == nullptr) return call.bad_handle("graph");
  if (count != 0 && (from == nullptr || to == nullptr)) return call.null("from or to");
  for (size_t i = 0; i < count; i++) {
    std::vector<void *> ends;
    if (const CUresult error = check_nodes(call, *graph, &from[i], 1, &ends)) return error;
    if (const CUresult error = check_nodes(call, *graph, &to[i], 1, &ends)) return error;
    auto &after = Handles::all().find<Node>(to[i])->dependencies;
    const auto edge = std::find(after.begin(), after.end(), from[i]);
    if (edge == after.end()) {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "there is no edge %zu", i);
    }
    after.erase(edge);
  }
  return CUDA_SUCCESS;
}

CUresult cuGraphGetNodes(CUgraph handle, CUgraphNode *nodes, size_t *count) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  const auto *graph = Handles::all().find<Graph>(handle);
  return graph != nullptr ? gpusim::driver::give(call, graph->nodes, nodes, count)
                          : call.bad_handle("graph");
}

CUresult cuGraphGetRootNodes(CUgraph handle, CUgraphNode *nodes, size_t *count) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  const auto *graph = Handles::all().find<Graph>(handle);
  if (graph == nullptr) return call.bad_handle("graph");
  std::vector<void *> roots;
  for (void *node : graph->nodes) {
    if (Handles::all().find<Node>(node)->dependencies.empty()) roots.push_back(node);
  }
  return gpusim::driver::give(call, roots, nodes, count);
}

CUresult cuGraphGetEdges_v2(CUgraph handle, CUgraphNode *from, CUgraphNode *to,
                            CUgraphEdgeData *edges, size_t *count) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  const auto *graph = Handles::all().find<Graph>(handle);
  if (graph == nullptr) return call.bad_handle("graph");
  if ((from == nullptr) != (to == nullptr)) return call.null("from or to");
  std::vector<void *> sources, targets;
  for (void *node : graph->nodes) {
    for (void *dependency : Handles::all().find<Node>(node)->dependencies) {
      sources.push_back(dependency);
      targets.push_back(node);
    }
  }
  if (count != nullptr && edges != nullptr) std::fill(edges, edges + *count, CUgraphEdgeData{});
  size_t room = count != nullptr ? *count : 0;
  const CUresult result =
      gpusim::driver::give(call, sources, from, count != nullptr ? &room : nullptr);
  return result != CUDA_SUCCESS ? result : gpusim::driver::give(call, targets, to, count);
}

CUresult cuGraphNodeGetDependencies_v2(CUgraphNode handle, CUgraphNode *nodes, CUgraphEdgeData *,
                                       size_t *count) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Node *node = find_node(call, handle, &error);
  return node != nullptr ? gpusim::driver::give(call, node->dependencies, nodes, count) : error;
}

CUresult cuGraphNodeGetDependentNodes_v2(CUgraphNode handle, CUgraphNode *nodes, CUgraphEdgeData *,
                                         size_t *count) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Node *node = find_node(call, handle, &error);
  if (node == nullptr) return error;
  const auto *graph = Handles::all().find<Graph>(node->graph);
  return gpusim::driver::give(call, gpusim::driver::dependents(*graph, handle), nodes, count);
}

CUresult cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *type) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Node *node = find_node(call, handle, &error);
  if (node == nullptr) return error;
  if (type == nullptr) return call.null("type");
  *type = node->work.type;
  return CUDA_SUCCESS;
}

CUresult cuGraphDestroyNode(CUgraphNode handle) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Node *node = find_node(call, handle, &error);
  if (node == nullptr) return error;
  auto *graph = Handles::all().find<Graph>(node->graph);
  for (void *other : graph->nodes) {
    auto &after = Handles::all().find<Node>(other)->dependencies;
    after.erase(std::remove(after.begin(), after.end(), node->handle), after.end());
  }
  graph->nodes.erase(std::remove(graph->nodes.begin(), graph->nodes.end(), node->handle),
                     graph->nodes.end());
  if (node->work.graph != nullptr) gpusim::driver::destroy_graph(node->work.graph);
  Handles::all().destroy(handle);
  return CUDA_SUCCESS;
}

CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode handle,
                                       const CUDA_KERNEL_NODE_PARAMS *parameters) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  Node *node = find_node(call, handle, &error);
  if (node == nullptr) return error;
  if (parameters == nullptr) return call.null("nodeParams");
  if (node->work.type != CU_GRAPH_NODE_TYPE_KERNEL) return call.bad_handle("kernel node");
  gpusim::driver::Kernel kernel;
  if (const CUresult wrong = make_kernel(call, *parameters, false, &kernel)) return wrong;
  node->work.kernel = std::move(kernel);
  return CUDA_SUCCESS;
}
