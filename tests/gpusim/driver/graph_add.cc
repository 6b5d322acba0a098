/* Entry points that add nodes to graphs. */
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/graph.h"
#include "tests/gpusim/driver/stream.h"

namespace gpusim::driver {
namespace {

/* Where a node goes. */
struct Place {
  CUgraphNode *made;
  CUgraph graph;
  const CUgraphNode *nodes; /* that it depends on */
  size_t count;
};

CUresult add(const Call &call, const Place &place, NodeWork work) {
  auto *graph = Handles::all().find<Graph>(place.graph);
  if (graph == nullptr) return call.bad_handle("graph");
  if (place.made == nullptr) return call.null("phGraphNode");
  std::vector<void *> dependencies;
  if (const CUresult error = check_nodes(call, *graph, place.nodes, place.count, &dependencies)) {
    return error;
  }
  const Node *node = add_node(*graph, std::move(work), std::move(dependencies));
  if (node == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  *place.made = handle_of<CUgraphNode>(*node);
  return CUDA_SUCCESS;
}

CUresult add_kernel(const Call &call, const Place &place, const CUDA_KERNEL_NODE_PARAMS *wanted) {
  if (wanted == nullptr) return call.null("nodeParams");
  Kernel kernel;
  if (const CUresult error = make_kernel(call, *wanted, false, &kernel)) return error;
  return add(call, place, kernel_node(std::move(kernel)));
}

CUresult add_copy(const Call &call, const Place &place, const CUDA_MEMCPY3D *wanted) {
  if (wanted == nullptr) return call.null("copyParams");
  Copy copy;
  if (const CUresult error = copy_of(call, *wanted, &copy)) return error;
  if (copy.width == 0 || copy.height == 0 || copy.depth == 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "nothing to copy");
  }
  if (const CUresult error = check_copy(call, copy)) return error;
  NodeWork work = copy_node(std::move(copy));
  work.copy_parameters = *wanted;
  return add(call, place, std::move(work));
}

CUresult add_fill(const Call &call, const Place &place, const CUDA_MEMSET_NODE_PARAMS *wanted) {
  if (wanted == nullptr) return call.null("memsetParams");
  const CUDA_MEMSET_NODE_PARAMS &p = *wanted;
  if (p.width == 0 || p.height == 0) return call.fail(CUDA_ERROR_INVALID_VALUE, "nothing to set");
  const Fill fill = {call.name(), p.dst, p.pitch, p.value, p.elementSize, p.width, p.height};
  if (const CUresult error = check_fill(call, fill)) return error;
  return add(call, place, fill_node(fill));
}

CUresult add_host(const Call &call, const Place &place, const CUDA_HOST_NODE_PARAMS *wanted) {
  if (wanted == nullptr || wanted->fn == nullptr) return call.null("nodeParams or fn");
  return add(call, place, host_node(*wanted));
}

CUresult add_event(const Call &call, const Place &place, NodeWork work) {
  if (Handles::all().find<Event>(work.event) == nullptr) return call.bad_handle("event");
  return add(call, place, std::move(work));
}

CUresult add_child(const Call &call, const Place &place, CUgraph child) {
  const auto *source = Handles::all().find<Graph>(child);
  if (source == nullptr) return call.bad_handle("child graph");
  const Graph *clone = clone_graph(*source);
  if (clone == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  NodeWork work;
  work.type = CU_GRAPH_NODE_TYPE_GRAPH;
  work.graph = clone->handle;
  const CUresult result = add(call, place, std::move(work));
  if (result != CUDA_SUCCESS) destroy_graph(clone->handle);
  return result;
}

CUDA_KERNEL_NODE_PARAMS kernel_parameters(const CUDA_KERNEL_NODE_PARAMS_v3 &p) {
  return {p.func,      p.gridDimX,       p.gridDimY,     p.gridDimZ, p.blockDimX, p.blockDimY,
          p.blockDimZ, p.sharedMemBytes, p.kernelParams, p.extra,    p.kern,      p.ctx};
}

CUresult add_any(const Call &call, const Place &place, const CUgraphNodeParams &p) {
  switch (p.type) {
    case CU_GRAPH_NODE_TYPE_KERNEL: {
      const CUDA_KERNEL_NODE_PARAMS kernel = kernel_parameters(p.kernel);
      return add_kernel(call, place, &kernel);
    }
    case CU_GRAPH_NODE_TYPE_MEMCPY:
      return add_copy(call, place, &p.memcpy.copyParams);
    case CU_GRAPH_NODE_TYPE_MEMSET: {
      const CUDA_MEMSET_NODE_PARAMS fill = {p.memset.dst,         p.memset.pitch, p.memset.value,
                                            p.memset.elementSize, p.memset.width, p.memset.height};
      return add_fill(call, place, &fill);
    }
    case CU_GRAPH_NODE_TYPE_HOST: {
      const CUDA_HOST_NODE_PARAMS host = {p.host.fn, p.host.userData};
      return add_host(call, place, &host);
    }
    case CU_GRAPH_NODE_TYPE_GRAPH:
      return add_child(call, place, p.graph.graph);
    case CU_GRAPH_NODE_TYPE_EMPTY:
      return add(call, place, {});
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
      return add_event(call, place, record_node(p.eventRecord.event));
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
      return add_event(call, place, wait_node(p.eventWait.event));
    default:
      return call.fail(CUDA_ERROR_NOT_SUPPORTED, "nodes of type %d", static_cast<int>(p.type));
  }
}

}  // namespace
}  // namespace gpusim::driver

using gpusim::driver::Call;

CUresult cuGraphAddKernelNode_v2(CUgraphNode *made, CUgraph graph, const CUgraphNode *nodes,
                                 size_t count, const CUDA_KERNEL_NODE_PARAMS *parameters) {
  const Call call(__func__);
  if (!call) return call.result();
  return gpusim::driver::add_kernel(call, {made, graph, nodes, count}, parameters);
}

CUresult cuGraphAddMemcpyNode(CUgraphNode *made, CUgraph graph, const CUgraphNode *nodes,
                              size_t count, const CUDA_MEMCPY3D *parameters, CUcontext) {
  const Call call(__func__);
  if (!call) return call.result();
  return gpusim::driver::add_copy(call, {made, graph, nodes, count}, parameters);
}

CUresult cuGraphAddMemsetNode(CUgraphNode *made, CUgraph graph, const CUgraphNode *nodes,
                              size_t count, const CUDA_MEMSET_NODE_PARAMS *parameters, CUcontext) {
  const Call call(__func__);
  if (!call) return call.result();
  return gpusim::driver::add_fill(call, {made, graph, nodes, count}, parameters);
}

CUresult cuGraphAddHostNode(CUgraphNode *made, CUgraph graph, const CUgraphNode *nodes,
                            size_t count, const CUDA_HOST_NODE_PARAMS *parameters) {
  const Call call(__func__);
  if (!call) return call.result();
  return gpusim::driver::add_host(call, {made, graph, nodes, count}, parameters);
}

CUresult cuGraphAddEmptyNode(CUgraphNode *made, CUgraph graph, const CUgraphNode *nodes,
                             size_t count) {
  const Call call(__func__);
  if (!call) return call.result();
  return gpusim::driver::add(call, {made, graph, nodes, count}, {});
}

CUresult cuGraphAddEventRecordNode(CUgraphNode *made, CUgraph graph, const CUgraphNode *nodes,
                                   size_t count, CUevent event) {
  const Call call(__func__);
  if (!call) return call.result();
  return gpusim::driver::add_event(call, {made, graph, nodes, count},
                                   gpusim::driver::record_node(event));
}

CUresult cuGraphAddEventWaitNode(CUgraphNode *made, CUgraph graph, const CUgraphNode *nodes,
                                 size_t count, CUevent event) {
  const Call call(__func__);
  if (!call) return call.result();
  return gpusim::driver::add_event(call, {made, graph, nodes, count},
                                   gpusim::driver::wait_node(event));
}

CUresult cuGraphAddChildGraphNode(CUgraphNode *made, CUgraph graph, const CUgraphNode *nodes,
                                  size_t count, CUgraph child) {
  const Call call(__func__);
  if (!call) return call.result();
  return gpusim::driver::add_child(call, {made, graph, nodes, count}, child);
}

CUresult cuGraphAddNode_v2(CUgraphNode *made, CUgraph graph, const CUgraphNode *nodes,
                           const CUgraphEdgeData *, size_t count, CUgraphNodeParams *parameters) {
  const Call call(__func__);
  if (!call) return call.result();
  if (parameters == nullptr) return call.null("nodeParams");
  return gpusim::driver::add_any(call, {made, graph, nodes, count}, *parameters);
}
