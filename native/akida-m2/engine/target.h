#pragma once

/**
 * Instruction sets are switched on per function, never per file: code that a header shares with the whole
 * addon must not be compiled for a processor that may not be there.
 */
#if (defined(__x86_64__) || defined(_M_X64)) && !defined(SPIKESCOPE_PORTABLE)
#define SPIKESCOPE_X86 1
#define SPIKESCOPE_AVX2 __attribute__((target("avx2")))
#define SPIKESCOPE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")))
#else
#define SPIKESCOPE_X86 0
#endif
