#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph.h"
#include "instruction_set.h"
#include "kernel.h"

namespace spikescope {

/** A kernel bound to places in the arena. */
struct Step {
  /** The node whose tensor it makes. */
  size_t node = 0;
  /** All nodes that it computes, that one last. */
  std::vector<size_t> nodes;
  std::unique_ptr<Kernel> kernel;
  std::vector<size_t> input_offsets;
  size_t output_offset = 0;
  size_t scratch_offset = 0;
};

/** Where a tensor lies in the arena, for tests that read it: `pixels` pieces of `channels` bytes, `stride` apart. */
struct TracedTensor {
  std::string name;
  size_t offset = 0;
  size_t pixels = 0;
  size_t channels = 0;
  size_t stride = 0;
};

struct PlanOptions {
  const InstructionSet& instruction_set;
  /** Every tensor is made and keeps its own memory, so that all can be read after a run. */
  bool keep_tensors = false;
};

/** A graph made ready: kernels in order and the place of everything. Read only once made. */
struct Plan {
  std::vector<Step> steps;
  std::unique_ptr<HeadKernel> head;
  size_t input_offset = 0;
  size_t input_bytes = 0;
  size_t embedding_offset = 0;
  size_t embedding_bytes = 0;
  size_t classes = 0;
  /** Room for the input pointers of one step. */
  size_t pointers_offset = 0;
  /** Working memory for one image. */
  size_t arena_bytes = 0;
  std::vector<TracedTensor> tensors;
};

/** @param graph a graph that `validate` has accepted */
Plan make_plan(Graph graph, const PlanOptions& options);

/** The head alone, for who gets embeddings elsewhere. @param graph as `make_plan` takes it */
std::unique_ptr<HeadKernel> make_head(const InstructionSet& instruction_set, const Graph& graph);

}  // namespace spikescope
