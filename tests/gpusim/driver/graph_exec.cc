/* Entry points that make graphs executable, and run them. */
#include "tests/gpusim/driver/capture.h"
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/graph.h"
#include "tests/gpusim/driver/stream.h"

namespace gpusim::driver {
namespace {

constexpr unsigned long long kInstantiateFlags = CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH |
                                                 CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD |
                                                 CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;

struct Executable : Object {
  static constexpr ObjectKind kKind = ObjectKind::executable;
  Executable() : Object(kKind) {}

  std::shared_ptr<Program> program;
  unsigned long long flags = 0;
  uint64_t last = 0; /* ticket of its newest launch: launches of one executable are ordered */
};

CUresult instantiate(const Call &call, CUgraphExec *made, CUgraph handle,
                     unsigned long long flags) {
  if (made == nullptr) return call.null("phGraphExec");
  const auto *graph = Handles::all().find<Graph>(handle);
  if (graph == nullptr) return call.bad_handle("graph");
  if ((flags & ~kInstantiateFlags) != 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%llx", flags);
  }
  std::shared_ptr<Program> program = compile_graph(*graph);
  if (program == nullptr) return call.fail(CUDA_ERROR_INVALID_VALUE, "the graph has a cycle");
  auto *executable = Handles::all().make<Executable>();
  if (executable == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  executable->program = std::move(program);
  executable->flags = flags;
  *made = handle_of<CUgraphExec>(*executable);
  return CUDA_SUCCESS;
}

/* The step of a node, in a program that no queued launch shares. */
Step *step_of(Executable &executable, CUgraphNode node) {
  if (executable.program.use_count() > 1) {
    executable.program = std::make_shared<Program>(*executable.program);
  }
  for (Step &step : executable.program->steps) {
    if (step.node == node) return &step;
  }
  return nullptr;
}

Step *find_step(const Call &call, CUgraphExec handle, CUgraphNode node, CUresult *error) {
  auto *executable = Handles::all().find<Executable>(handle);
  if (executable == nullptr) {
    *error = call.bad_handle("executable graph");
    return nullptr;
  }
  Step *step = step_of(*executable, node);
  if (step == nullptr) *error = call.fail(CUDA_ERROR_INVALID_VALUE, "the graph has no such node");
  return step;
}

CUgraphExecUpdateResult differ(const Program &before, const Program &after, size_t *at) {
  *at = after.steps.size();
  if (before.steps.size() != after.steps.size()) return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  for (*at = 0; *at < after.steps.size(); ++*at) {
    const Step &one = before.steps[*at], &other = after.steps[*at];
    if (one.work.type != other.work.type) return CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
    if (one.after != other.after) return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    if ((one.child == nullptr) != (other.child == nullptr)) {
      return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    }
    size_t inside;
    if (one.child == nullptr) continue;
    const CUgraphExecUpdateResult result = differ(*one.child, *other.child, &inside);
    if (result != CU_GRAPH_EXEC_UPDATE_SUCCESS) return result;
  }
  return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}

/* The executable gets the work of a graph of the same form. Steps keep their nodes, those of the
 * graph that was instantiated, and whether they are enabled. */
CUresult update(const Call &call, Executable &executable, const Graph &graph,
                CUgraphExecUpdateResultInfo *info) {
  const std::shared_ptr<Program> program = compile_graph(graph);
  if (program == nullptr) return call.fail(CUDA_ERROR_INVALID_VALUE, "the graph has a cycle");
  size_t at;
  info->result = differ(*executable.program, *program, &at);
  if (info->result != CU_GRAPH_EXEC_UPDATE_SUCCESS) {
    if (at < program->steps.size()) {
      info->errorNode = static_cast<CUgraphNode>(program->steps[at].node);
    }
    return call.fail(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, "the graphs differ at node %zu", at);
  }
  for (size_t i = 0; i < program->steps.size(); i++) {
    program->steps[i].node = executable.program->steps[i].node;
    program->steps[i].enabled = executable.program->steps[i].enabled;
  }
  executable.program = program;
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::Executable;
using gpusim::driver::Handles;

CUresult cuGraphInstantiateWithFlags(CUgraphExec *made, CUgraph graph, unsigned long long flags) {
  const Call call(__func__);
  return call ? gpusim::driver::instantiate(call, made, graph, flags) : call.result();
}

CUresult cuGraphInstantiate_v2(CUgraphExec *made, CUgraph graph, CUgraphNode *error_node, char *log,
                               size_t log_bytes) {
  const Call call(__func__);
  if (!call) return call.result();
  if (error_node != nullptr) *error_node = nullptr;
  if (log != nullptr && log_bytes != 0) log[0] = '\0';
  return gpusim::driver::instantiate(call, made, graph, 0);
}

CUresult cuGraphInstantiateWithParams(CUgraphExec *made, CUgraph graph,
                                      CUDA_GRAPH_INSTANTIATE_PARAMS *parameters) {
  const Call call(__func__);
  if (!call) return call.result();
  if (parameters == nullptr) return call.null("instantiateParams");
  const CUresult result = gpusim::driver::instantiate(call, made, graph, parameters->flags);
  parameters->hErrNode_out = nullptr;
  parameters->result_out =
      result == CUDA_SUCCESS ? CUDA_GRAPH_INSTANTIATE_SUCCESS : CUDA_GRAPH_INSTANTIATE_ERROR;
  return result;
}

CUresult cuGraphExecGetFlags(CUgraphExec handle, cuuint64_t *flags) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  const auto *executable = Handles::all().find<Executable>(handle);
  if (executable == nullptr) return call.bad_handle("executable graph");
  if (flags == nullptr) return call.null("flags");
  *flags = executable->flags;
  return CUDA_SUCCESS;
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  if (Handles::all().find<Executable>(handle) == nullptr) {
    return call.bad_handle("executable graph");
  }
  Handles::all().destroy(handle);
  return CUDA_SUCCESS;
}

CUresult cuGraphExecUpdate_v2(CUgraphExec handle, CUgraph graph_handle,
                              CUgraphExecUpdateResultInfo *info) {
  const Call call(__func__);
  if (!call) return call.result();
  auto *executable = Handles::all().find<Executable>(handle);
  if (executable == nullptr) return call.bad_handle("executable graph");
  const auto *graph = Handles::all().find<gpusim::driver::Graph>(graph_handle);
  if (graph == nullptr) return call.bad_handle("graph");
  if (info == nullptr) return call.null("resultInfo");
  *info = {};
  info->result = CU_GRAPH_EXEC_UPDATE_ERROR;
  return gpusim::driver::update(call, *executable, *graph, info);
}

CUresult cuGraphUpload(CUgraphExec handle, CUstream stream) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  if (Handles::all().find<Executable>(handle) == nullptr) {
    return call.bad_handle("executable graph");
  }
  return find_stream(call, stream, &error) != nullptr ? CUDA_SUCCESS : error;
}

CUresult cuGraphLaunch(CUgraphExec handle, CUstream stream_handle) {
  const Call call(__func__);
  if (!call) return call.result();
  auto *executable = Handles::all().find<Executable>(handle);
  if (executable == nullptr) return call.bad_handle("executable graph");
  CUresult error = CUDA_SUCCESS;
  gpusim::driver::Stream *stream = find_stream(call, stream_handle, &error);
  if (stream == nullptr) return error;
  if (const CUresult refused = refuse_captured(call, *stream)) return refused;
  if (const CUresult refused = refuse_implicit_capture(call, *stream)) return refused;
  enqueue(*stream,
          [program = executable->program](gpusim::driver::Context &context) {
            gpusim::driver::run_program(context, *program);
          },
          {executable->last});
  executable->last = stream->last;
  return CUDA_SUCCESS;
}

CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec handle, CUgraphNode node,
                                           const CUDA_KERNEL_NODE_PARAMS *parameters) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  gpusim::driver::Step *step = gpusim::driver::find_step(call, handle, node, &error);
  if (step == nullptr) return error;
  if (parameters == nullptr) return call.null("nodeParams");
  if (step->work.type != CU_GRAPH_NODE_TYPE_KERNEL) return call.bad_handle("kernel node");
  gpusim::driver::Kernel kernel;
  if (const CUresult wrong = make_kernel(call, *parameters, false, &kernel)) return wrong;
  step->work.kernel = std::move(kernel);
  return CUDA_SUCCESS;
}

CUresult cuGraphNodeSetEnabled(CUgraphExec handle, CUgraphNode node, unsigned enabled) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  gpusim::driver::Step *step = gpusim::driver::find_step(call, handle, node, &error);
  if (step == nullptr) return error;
  if (step->work.type > CU_GRAPH_NODE_TYPE_MEMSET) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "only kernels, copies and fills can be disabled");
  }
  step->enabled = enabled != 0;
  return CUDA_SUCCESS;
}

CUresult cuGraphNodeGetEnabled(CUgraphExec handle, CUgraphNode node, unsigned *enabled) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const gpusim::driver::Step *step = gpusim::driver::find_step(call, handle, node, &error);
  if (step == nullptr) return error;
  if (enabled == nullptr) return call.null("isEnabled");
  *enabled = step->enabled ? 1 : 0;
  return CUDA_SUCCESS;
}
