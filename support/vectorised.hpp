// Loops over plain arrays that the compiler turns to vectors: compiled for AVX2 too, and chosen
// when the library is loaded.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define POTOMAC_VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define POTOMAC_VECTORISED
#endif
