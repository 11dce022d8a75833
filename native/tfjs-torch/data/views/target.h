#pragma once

/**
 * Marks a function to be compiled once more for wider vectors, chosen when the addon is loaded. Fused multiply-adds make
 * the copies differ in the last digits, as processors do.
 */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__)
#include <features.h>
#ifdef __GLIBC__
#define SPIKESCOPE_WIDE __attribute__((target_clones("arch=x86-64-v3", "default")))
#endif
#endif
#ifndef SPIKESCOPE_WIDE
#define SPIKESCOPE_WIDE
#endif
