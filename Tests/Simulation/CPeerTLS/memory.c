/* What OpenSSL allocates while one says so: a measure of its memory, and of its work, that is the same in each run. */
#include "peertls.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Before each piece: how long it is, and whether it counts. */
typedef struct {
  size_t count;
  size_t is_counted;
} header;

static _Thread_local int is_counting;
static _Thread_local size_t bytes, calls;

static void *make(size_t count, const char *file, int line) {
  (void)file, (void)line;
  header *h = count ? malloc(sizeof *h + count) : NULL;
  if (!h) return NULL;
  *h = (header){count, (size_t)is_counting};
  if (is_counting) bytes += count, calls++;
  return h + 1;
}

static void discard(void *p, const char *file, int line) {
  (void)file, (void)line;
  if (!p) return;
  header *h = (header *)p - 1;
  if (h->is_counted) bytes -= h->count;
  free(h);
}

static void *change(void *p, size_t count, const char *file, int line) {
  if (!p) return make(count, file, line);
  void *larger = make(count, file, line);
  if (!larger) {
    if (!count) discard(p, file, line);
    return NULL;
  }
  size_t had = ((header *)p - 1)->count;
  memcpy(larger, p, had < count ? had : count);
  discard(p, file, line);
  return larger;
}

int so_memory_install(void) { return CRYPTO_set_mem_functions(make, change, discard); }
void so_memory_begin(void) { is_counting = 1; }
void so_memory_end(void) { is_counting = 0; }
long so_memory_bytes(void) { return (long)bytes; }
long so_memory_calls(void) { return (long)calls; }
