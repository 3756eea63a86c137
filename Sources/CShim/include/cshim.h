#ifndef SENDONCE_CSHIM_H
#define SENDONCE_CSHIM_H
#include <stdint.h>
/* Single-writer counters: relaxed atomics over plain memory. */
static inline uint64_t so_load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static inline void so_store(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }
#endif
