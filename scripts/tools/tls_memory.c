/* Behind scripts/measure-tls-memory: what OpenSSL itself keeps of one accepted session on which nothing happens any more, set up as
 * Sources/CTLS does it. Prints the sum, and each allocation of 64 bytes and more with the line of OpenSSL's source that asked for it.
 *   tls_memory CERTIFICATE KEY [1.2] */
#include <malloc.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kept_max = 4096 };

static struct {
  void *at;
  size_t bytes;
  const char *file;
  int line;
} kept[kept_max];
static int kept_count, notes;
static size_t live;

static void *take(size_t bytes, const char *file, int line) {
  void *at = malloc(bytes);
  if (!at) return NULL;
  live += malloc_usable_size(at) + sizeof(size_t);
  if (notes && kept_count < kept_max) {
    kept[kept_count].at = at, kept[kept_count].bytes = bytes, kept[kept_count].file = file, kept[kept_count++].line = line;
  }
  return at;
}

static void give(void *at, const char *file, int line) {
  (void)file, (void)line;
  if (!at) return;
  live -= malloc_usable_size(at) + sizeof(size_t);
  for (int i = 0; i < kept_count; i++) {
    if (kept[i].at == at) kept[i].at = NULL;
  }
  free(at);
}

static void *change(void *at, size_t bytes, const char *file, int line) {
  void *next = take(bytes, file, line);
  if (next && at) {
    size_t old = malloc_usable_size(at);
    memcpy(next, at, old < bytes ? old : bytes);
    give(at, file, line);
  }
  return next;
}

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

int main(int count, char **words) {
  if (count < 3) fail("tls_memory CERTIFICATE KEY [1.2]");
  CRYPTO_set_mem_functions(take, change, give);
  SSL_CTX *ours = SSL_CTX_new(TLS_server_method()), *theirs = SSL_CTX_new(TLS_client_method());
  if (!SSL_CTX_use_certificate_file(ours, words[1], SSL_FILETYPE_PEM) || !SSL_CTX_use_PrivateKey_file(ours, words[2], SSL_FILETYPE_PEM)) {
    fail("no certificate");
  }
  SSL_CTX_set_options(ours, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(ours, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(ours, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ours, 1);
  if (count > 3) SSL_CTX_set_max_proto_version(theirs, TLS1_2_VERSION);
  /* The first sessions make what all of them share. */
  for (int round = 0; round < 3; round++) {
    SSL *client = SSL_new(theirs);
    BIO *near, *far;
    BIO_new_bio_pair(&near, 0, &far, 0);
    SSL_set_bio(client, near, near);
    SSL_set_connect_state(client);
    notes = 1, kept_count = 0;
    size_t before = live, bytes;
    SSL *server = SSL_new(ours);
    SSL_set_bio(server, far, far);
    SSL_set_accept_state(server);
    bytes = live - before;
    char text[256] = "GET";
    for (int step = 0; step < 8; step++) {
      notes = 0;
      SSL_do_handshake(client);
      if (step == 5) SSL_write(client, text, 100);
      SSL_read(client, text, 1);
      notes = 1;
      before = live;
      SSL_do_handshake(server);
      if (SSL_read(server, text, sizeof text) > 0) SSL_write(server, text, 100);
      bytes += live - before;
    }
    if (!SSL_is_init_finished(server)) fail("no handshake");
    if (round < 2) continue;
    printf("%s, %s, %s: %zu bytes\n", OpenSSL_version(OPENSSL_VERSION), SSL_get_version(server), SSL_get_cipher(server), bytes);
    for (int i = 0; i < kept_count; i++) {
      if (kept[i].at && kept[i].bytes >= 64) printf("%6zu %s:%d\n", kept[i].bytes, kept[i].file, kept[i].line);
    }
  }
}
