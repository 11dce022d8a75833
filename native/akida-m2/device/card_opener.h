#pragma once

#include <memory>

#include "registry.h"

namespace spikescope {

/**
 * Opens a graph on a card; null in builds without the vendor's engine, which have device/without_card.cpp in the place of
 * device/card.
 */
using OpenCard = std::unique_ptr<Backend> (*)(Graph graph, const BackendOptions& options);
extern const OpenCard kOpenCard;

}  // namespace spikescope
