#include "../../kernel.h"
#include "../../target.h"

#if SPIKESCOPE_X86

namespace spikescope {
namespace {

std::unique_ptr<Kernel> make(const Graph&, const Node&) { return nullptr; }

std::unique_ptr<HeadKernel> make_head(const Graph&) { return nullptr; }

}  // namespace

const KernelFactory kAvx512VnniKernels{make, make_head};

}  // namespace spikescope

#endif
