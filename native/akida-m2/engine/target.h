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

/** NEON is part of every 64-bit ARM processor; the dot product is not, and is written as assembly that names itself. */
#if defined(__aarch64__) && defined(__ORDER_LITTLE_ENDIAN__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && \
    !defined(SPIKESCOPE_PORTABLE)
#define SPIKESCOPE_ARM64 1
#else
#define SPIKESCOPE_ARM64 0
#endif
