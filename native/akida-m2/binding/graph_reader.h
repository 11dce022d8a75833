#pragma once

#include <napi.h>

#include "../engine/graph.h"

namespace spikescope::binding {

/**
 * An `IntegerGraph` of src/model/graph.ts as the engine's graph: every type and range checked, names resolved to
 * tensor numbers. Shapes and lengths against each other are left to `validate`.
 * @throws Fault GRAPH_INVALID
 */
Graph read_graph(const Napi::Value& value);

}  // namespace spikescope::binding
