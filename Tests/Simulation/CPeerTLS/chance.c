/* OpenSSL's chance, from a seed: for one thread at a time that says so. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "peertls.h"
#include <openssl/rand.h>
#include <pthread.h>

static _Thread_local uint64_t *chance;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int draw(unsigned char *out, int count) {
  if (!chance) return RAND_OpenSSL()->bytes(out, count);
  for (int i = 0; i < count; i++) {
    /* Vigna's splitmix64. */
    uint64_t z = (*chance += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    out[i] = (unsigned char)((z ^ (z >> 31)) >> 24);
  }
  return 1;
}

static int status(void) { return 1; }

static void install(void) {
  static const RAND_METHOD method = {NULL, draw, NULL, NULL, draw, status};
  RAND_set_rand_method(&method);
}

void so_chance_begin(uint64_t *state) {
  pthread_once(&once, install);
  chance = state;
}

void so_chance_end(void) { chance = NULL; }
