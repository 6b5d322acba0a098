/* Graphs: nodes, and the programs that they become. */
#ifndef GPUSIM_DRIVER_GRAPH_H
#define GPUSIM_DRIVER_GRAPH_H

#include <memory>
#include <vector>

#include "tests/gpusim/driver/copy.h"
#include "tests/gpusim/driver/kernel.h"
#include "tests/gpusim/driver/queue.h"

namespace gpusim::driver {

struct Program;

/* What a node does, or one piece of a stream's work. */
struct NodeWork {
  CUgraphNodeType type = CU_GRAPH_NODE_TYPE_EMPTY;
  Kernel kernel;
  Copy copy;
  CUDA_MEMCPY3D copy_parameters = {};
  Fill fill;
  CUDA_HOST_NODE_PARAMS host = {};
  void *event = nullptr;
  void *graph = nullptr; /* of a child node: its own clone */

  Work prepare() const;
};

NodeWork kernel_node(Kernel kernel);
NodeWork copy_node(Copy copy);
NodeWork fill_node(const Fill &fill);
NodeWork host_node(const CUDA_HOST_NODE_PARAMS &host);
NodeWork record_node(CUevent event);
NodeWork wait_node(CUevent event);

struct Node : Object {
  static constexpr ObjectKind kKind = ObjectKind::node;
  Node() : Object(kKind) {}

  void *graph = nullptr;
  void *original = nullptr; /* the node that it was cloned from */
  NodeWork work;
  std::vector<void *> dependencies;
};

struct Graph : Object {
  static constexpr ObjectKind kKind = ObjectKind::graph;
  Graph() : Object(kKind) {}

  std::vector<void *> nodes;
  bool captured_into = false; /* a capture is adding to it */
};

/* A graph as it is launched: steps in any order that respects `after`. */
struct Step {
  NodeWork work;
  std::vector<size_t> after;
  void *node = nullptr;
  bool enabled = true;
  std::shared_ptr<const Program> child;
};

struct Program {
  std::vector<Step> steps;
};

/* Null when the graph has a cycle. */
std::shared_ptr<Program> compile_graph(const Graph &graph);
void run_program(Context &context, const Program &program);

Node *add_node(Graph &graph, NodeWork work, std::vector<void *> dependencies);
Graph *clone_graph(const Graph &graph);
void destroy_graph(void *handle);

/* Dependencies that have to be nodes of the graph, each one once. */
CUresult check_nodes(const Call &call, const Graph &graph, const CUgraphNode *nodes, size_t count,
                     std::vector<void *> *found);

/* Event stamps the time when its record is executed. */
void stamp_event(const void *event);

}  // namespace gpusim::driver

#endif
