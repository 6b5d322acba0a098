/* Stream capture and graphs. */
#include "tests/gpusim/cases/driver_case.h"

static CUstream stream, other;

static void begin(void) {
  driver_case_begin();
  OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
}

TestSuite(driver_graph, .init = begin, .fini = driver_case_end);

static void run(CUgraph graph) {
  CUgraphExec exec;
  OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
  OK(cuGraphLaunch(exec, stream));
  OK(cuStreamSynchronize(stream));
  OK(cuGraphExecDestroy(exec));
}

Test(driver_graph, captured_work_runs_at_launch_only) {
  CUdeviceptr p = driver_case_words(1, 32);
  CUgraph graph;
  CUstreamCaptureStatus status;
  size_t count = 0;
  OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
  OK(cuStreamIsCapturing(stream, &status));
  cr_expect_eq(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
  OK(driver_case_launch("add", p, 1, 32, stream));
  OK(driver_case_launch("add", p, 10, 32, stream));
  OK(cuStreamEndCapture(stream, &graph));
  OK(cuCtxSynchronize());
  cr_expect_eq(driver_case_word(p), 1);
  OK(cuGraphGetNodes(graph, NULL, &count));
  cr_expect_eq(count, 2);
  OK(cuGraphGetRootNodes(graph, NULL, &count));
  cr_expect_eq(count, 1);
  run(graph);
  run(graph);
  cr_expect_eq(driver_case_word(p), 23);
  OK(cuGraphDestroy(graph));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuGraphDestroy(graph));
}

Test(driver_graph, events_fork_and_join) {
  CUdeviceptr p = driver_case_words(1, 1);
  CUevent fork, join;
  CUgraph graph;
  size_t edges = 0;
  OK(cuEventCreate(&fork, CU_EVENT_DISABLE_TIMING));
  OK(cuEventCreate(&join, CU_EVENT_DISABLE_TIMING));
  OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
  OK(driver_case_launch("set", p, 5, 1, stream));
  OK(cuEventRecord(fork, stream));
  OK(cuStreamWaitEvent(other, fork, 0));
  OK(driver_case_launch("add", p, 1, 1, other));
  OK(cuEventRecord(join, other));
  OK(cuStreamWaitEvent(stream, join, 0));
  OK(driver_case_launch("add", p, 1, 1, stream));
  OK(cuStreamEndCapture(stream, &graph));
  OK(cuGraphGetEdges(graph, NULL, NULL, NULL, &edges));
  cr_expect_eq(edges, 3);
  run(graph);
  cr_expect_eq(driver_case_word(p), 7);
  FAILS(CUDA_ERROR_CAPTURED_EVENT, cuEventSynchronize(fork));
}

Test(driver_graph, captures_end_badly) {
  CUdeviceptr p = driver_case_words(1, 1);
  CUevent event;
  CUgraph graph;
  OK(cuEventCreate(&event, 0));
  OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
  FAILS(CUDA_ERROR_ILLEGAL_STATE, cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
  OK(driver_case_launch("add", p, 1, 1, stream));
  OK(cuEventRecord(event, stream));
  OK(cuStreamWaitEvent(other, event, 0));
  OK(driver_case_launch("add", p, 1, 1, other));
  FAILS(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, cuStreamEndCapture(stream, &graph));
  cr_expect_null(graph);
  OK(cuStreamSynchronize(other));

  OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
  FAILS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamSynchronize(stream));
  FAILS(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, driver_case_launch("add", p, 1, 1, stream));
  FAILS(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, &graph));
  FAILS(CUDA_ERROR_ILLEGAL_STATE, cuStreamEndCapture(stream, &graph));

  OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
  CUdeviceptr q;
  FAILS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuMemAlloc(&q, 4));
  FAILS(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, &graph));

  OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
  OK(cuMemAlloc(&q, 4));
  OK(cuStreamEndCapture(stream, &graph));
  FAILS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
        cuStreamBeginCapture(NULL, CU_STREAM_CAPTURE_MODE_GLOBAL));

  CUstream blocking;
  OK(cuStreamCreate(&blocking, CU_STREAM_DEFAULT));
  OK(cuStreamBeginCapture(blocking, CU_STREAM_CAPTURE_MODE_RELAXED));
  FAILS(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, driver_case_launch("add", p, 1, 1, NULL));
  FAILS(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(blocking, &graph));
  cr_expect_eq(driver_case_word(p), 1);
}

Test(driver_graph, built_by_hand) {
  CUdeviceptr p = driver_case_words(0, 2);
  uint32_t host = 0, value = 3;
  void *values[] = {&p, &value};
  CUgraph graph, clone;
  CUgraphNode set, kernel, copy, empty, found;
  CUgraphExec exec;
  CUgraphNodeType type;
  OK(cuGraphCreate(&graph, 0));
  CUDA_MEMSET_NODE_PARAMS fill = {p, 0, 40, 4, 2, 1};
  OK(cuGraphAddMemsetNode(&set, graph, NULL, 0, &fill, NULL));
  CUDA_KERNEL_NODE_PARAMS launch = {
      driver_case_function("add"), 1, 1, 1, 2, 1, 1, 0, values, NULL, NULL, NULL};
  OK(cuGraphAddKernelNode(&kernel, graph, &set, 1, &launch));
  CUDA_MEMCPY3D down = {.srcMemoryType = CU_MEMORYTYPE_DEVICE,
                        .srcDevice = p,
                        .dstMemoryType = CU_MEMORYTYPE_HOST,
                        .dstHost = &host,
                        .WidthInBytes = 4,
                        .Height = 1,
                        .Depth = 1};
  OK(cuGraphAddMemcpyNode(&copy, graph, &kernel, 1, &down, NULL));
  OK(cuGraphAddEmptyNode(&empty, graph, &copy, 1));
  OK(cuGraphNodeGetType(copy, &type));
  cr_expect_eq(type, CU_GRAPH_NODE_TYPE_MEMCPY);
  run(graph);
  cr_expect_eq(host, 43);

  OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
  value = 5;
  OK(cuGraphExecKernelNodeSetParams(exec, kernel, &launch));
  OK(cuGraphLaunch(exec, stream));
  value = 6;
  OK(cuGraphExecKernelNodeSetParams(exec, kernel, &launch));
  OK(cuGraphExecDestroy(exec));
  OK(cuStreamSynchronize(stream));
  cr_expect_eq(host, 45, "a queued launch keeps its parameters");
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuGraphLaunch(exec, stream));

  OK(cuGraphClone(&clone, graph));
  OK(cuGraphNodeFindInClone(&found, kernel, clone));
  OK(cuGraphDestroyNode(found));
  run(clone);
  cr_expect_eq(driver_case_word(p), 40);
  OK(cuGraphAddDependencies(graph, &empty, &set, NULL, 1));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphInstantiateWithFlags(&exec, graph, 0));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddEmptyNode(&empty, graph, &found, 1));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuGraphAddEmptyNode(&empty, (CUgraph)stream, NULL, 0));
}

/* The same three nodes by cuGraphAddNode; then a graph of the same form with other parameters takes
 * their place in the executable one. */
static CUgraph set_add_wait(CUdeviceptr p, uint32_t value, CUevent event) {
  CUgraph graph;
  CUgraphNode nodes[4];
  uint32_t one = 1;
  void *values[] = {&p, &one};
  OK(cuGraphCreate(&graph, 0));
  CUgraphNodeParams set = {.type = CU_GRAPH_NODE_TYPE_MEMSET};
  set.memset.dst = p;
  set.memset.value = value;
  set.memset.elementSize = 4;
  set.memset.width = 32;
  set.memset.height = 1;
  OK(cuGraphAddNode(&nodes[0], graph, NULL, NULL, 0, &set));
  CUgraphNodeParams kernel = {.type = CU_GRAPH_NODE_TYPE_KERNEL};
  kernel.kernel.func = driver_case_function("add");
  kernel.kernel.gridDimX = kernel.kernel.gridDimY = kernel.kernel.gridDimZ = 1;
  kernel.kernel.blockDimX = 32;
  kernel.kernel.blockDimY = kernel.kernel.blockDimZ = 1;
  kernel.kernel.kernelParams = values;
  OK(cuGraphAddNode(&nodes[1], graph, nodes, NULL, 1, &kernel));
  CUgraphNodeParams record = {.type = CU_GRAPH_NODE_TYPE_EVENT_RECORD};
  record.eventRecord.event = event;
  OK(cuGraphAddNode(&nodes[2], graph, &nodes[1], NULL, 1, &record));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddNode(&nodes[3], graph, NULL, NULL, 0, NULL));
  record.eventRecord.event = NULL;
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuGraphAddNode(&nodes[3], graph, NULL, NULL, 0, &record));
  return graph;
}

Test(driver_graph, nodes_of_any_type_and_updates) {
  CUdeviceptr p = driver_case_words(0, 32);
  CUevent event;
  CUgraphExec exec;
  CUgraphNode extra;
  CUgraphExecUpdateResultInfo info;
  OK(cuEventCreate(&event, CU_EVENT_DEFAULT));
  CUgraph first = set_add_wait(p, 5, event), second = set_add_wait(p, 50, event);
  OK(cuGraphInstantiateWithFlags(&exec, first, 0));
  OK(cuGraphLaunch(exec, stream));
  OK(cuStreamSynchronize(stream));
  cr_expect_eq(driver_case_word(p), 6);
  OK(cuGraphExecUpdate(exec, second, &info));
  cr_expect_eq(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
  OK(cuGraphLaunch(exec, stream));
  OK(cuStreamSynchronize(stream));
  cr_expect_eq(driver_case_word(p + 4 * 31), 51);
  OK(cuGraphAddEmptyNode(&extra, second, NULL, 0));
  FAILS(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, cuGraphExecUpdate(exec, second, &info));
  cr_expect_eq(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphExecUpdate(exec, first, NULL));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuGraphExecUpdate(NULL, first, &info));
  OK(cuGraphLaunch(exec, stream));
  OK(cuStreamSynchronize(stream));
  cr_expect_eq(driver_case_word(p), 51, "a failed update changes nothing");
}
