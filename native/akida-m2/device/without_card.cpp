#include "card_opener.h"

namespace spikescope {

const OpenCard kOpenCard = nullptr;

}  // namespace spikescope
