/* Records that a session of OpenSSL would not make, with its client's keys: AES-128-GCM of TLS 1.2 and 1.3. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "peertls.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>

enum { key_bytes = 16, nonce_bytes = 12, tag_bytes = 16, secret_bytes = 32, random_bytes = 32 };

typedef struct {
  uint8_t secret[secret_bytes], key[key_bytes], nonce[nonce_bytes];
  uint64_t number;
  int has_keys, is_early;
} forge;

static int forge_index = -1, alert_index = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void release(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long number, void *pointer) {
  (void)parent, (void)data, (void)index, (void)number, (void)pointer;
  OPENSSL_free(p);
}

static void make_indexes(void) {
  forge_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, release);
  alert_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static int nibble(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

/* A line of the key log: LABEL RANDOM SECRET. */
static void note_secret(const SSL *ssl, const char *line) {
  forge *f = SSL_get_ex_data(ssl, forge_index);
  const char *last = strrchr(line, ' ');
  if (!f || !last || strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) != 0) return;
  for (int i = 0; i < secret_bytes; i++) f->secret[i] = (uint8_t)(nibble(last[1 + 2 * i]) << 4 | nibble(last[2 + 2 * i]));
}

static void note_alert(const SSL *ssl, int where, int value) {
  if (where == SSL_CB_READ_ALERT) SSL_set_ex_data((SSL *)ssl, alert_index, (void *)(uintptr_t)value);
}

int so_peer_forges(SSL *ssl) {
  pthread_once(&once, make_indexes);
  SSL_set_info_callback(ssl, note_alert);
  SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(ssl), note_secret);
  forge *f = OPENSSL_zalloc(sizeof *f);
  if (!f || !SSL_set_ex_data(ssl, forge_index, f)) return 0;
  return SSL_set_ciphersuites(ssl, "TLS_AES_128_GCM_SHA256") && SSL_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

int so_peer_alert(const SSL *ssl) { return (int)(uintptr_t)SSL_get_ex_data(ssl, alert_index); }

/* RFC 8446 section 7.1, for no more than one block. */
static void expand(const uint8_t *secret, const char *label, uint8_t *out, size_t count) {
  uint8_t info[64], block[secret_bytes];
  unsigned n = 0;
  size_t length = strlen(label);
  info[n++] = 0, info[n++] = (uint8_t)count, info[n++] = (uint8_t)(6 + length);
  memcpy(info + n, "tls13 ", 6), n += 6;
  memcpy(info + n, label, length), n += (unsigned)length;
  info[n++] = 0, info[n++] = 1;
  unsigned made;
  HMAC(EVP_sha256(), secret, secret_bytes, info, n, block, &made);
  memcpy(out, block, count);
}

/* RFC 5246 section 5: the key block, of which the client's key and nonce are taken. */
static void derive12(SSL *ssl, forge *f) {
  uint8_t master[48], seed[13 + 2 * random_bytes] = "key expansion", a[32 + sizeof seed], block[64];
  SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master);
  SSL_get_server_random(ssl, seed + 13, random_bytes);
  SSL_get_client_random(ssl, seed + 13 + random_bytes, random_bytes);
  unsigned made;
  HMAC(EVP_sha256(), master, sizeof master, seed, sizeof seed, a, &made);
  for (int i = 0; i < 2; i++) {
    memcpy(a + 32, seed, sizeof seed);
    HMAC(EVP_sha256(), master, sizeof master, a, sizeof a, block + 32 * i, &made);
    uint8_t next[32];
    HMAC(EVP_sha256(), master, sizeof master, a, 32, next, &made);
    memcpy(a, next, 32);
  }
  memcpy(f->key, block, key_bytes);
  memcpy(f->nonce, block + 2 * key_bytes, 4);
  /* The Finished was the first. */
  f->number = 1;
}

static void derive13(forge *f) {
  expand(f->secret, "key", f->key, key_bytes);
  expand(f->secret, "iv", f->nonce, nonce_bytes);
  f->number = 0;
}

void so_peer_forge_next_keys(SSL *ssl) {
  forge *f = SSL_get_ex_data(ssl, forge_index);
  uint8_t next[secret_bytes];
  expand(f->secret, "traffic upd", next, secret_bytes);
  memcpy(f->secret, next, secret_bytes);
  derive13(f);
}

static void put_number(uint8_t *out, uint64_t number, int count) {
  for (int i = 0; i < count; i++) out[i] = (uint8_t)(number >> 8 * (count - 1 - i));
}

static void seal(
    const forge *f, const uint8_t *nonce, const uint8_t *aad, int aad_count, const uint8_t *bytes, size_t count, uint8_t *out) {
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
  int n = 0;
  EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, f->key, nonce);
  EVP_EncryptUpdate(cipher, NULL, &n, aad, aad_count);
  if (count) EVP_EncryptUpdate(cipher, out, &n, bytes, (int)count);
  EVP_EncryptFinal_ex(cipher, out + count, &n);
  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, tag_bytes, out + count);
  EVP_CIPHER_CTX_free(cipher);
}

size_t so_peer_forge(SSL *ssl, uint8_t type, const uint8_t *bytes, size_t count, size_t padding, uint8_t *out) {
  forge *f = SSL_get_ex_data(ssl, forge_index);
  int is13 = SSL_version(ssl) == TLS1_3_VERSION;
  if (!f || !SSL_is_init_finished(ssl)) return 0;
  if (!f->has_keys) is13 ? derive13(f) : derive12(ssl, f);
  f->has_keys = 1;
  uint8_t nonce[nonce_bytes], aad[13];
  memcpy(nonce, f->nonce, nonce_bytes);
  out[0] = is13 ? 23 : type, out[1] = 3, out[2] = 3;
  if (is13) {
    uint8_t number[8];
    put_number(number, f->number++, 8);
    for (int i = 0; i < 8; i++) nonce[4 + i] ^= number[i];
    uint8_t *inner = OPENSSL_zalloc(count + 1 + padding);
    memcpy(inner, bytes, count);
    inner[count] = type;
    size_t whole = count + 1 + padding;
    put_number(out + 3, whole + tag_bytes, 2);
    seal(f, nonce, out, 5, inner, whole, out + 5);
    OPENSSL_free(inner);
    return 5 + whole + tag_bytes;
  }
  put_number(nonce + 4, f->number, 8);
  put_number(aad, f->number++, 8);
  aad[8] = type, aad[9] = 3, aad[10] = 3;
  put_number(aad + 11, count, 2);
  put_number(out + 3, 8 + count + tag_bytes, 2);
  memcpy(out + 5, nonce + 4, 8);
  seal(f, nonce, aad, 13, bytes, count, out + 13);
  return 13 + count + tag_bytes;
}

/* What a hello says that ours would not. */
int so_peer_limit_versions(SSL *ssl, int min_version, int max_version, const char *ciphers) {
  if (!SSL_set_min_proto_version(ssl, min_version) || !SSL_set_max_proto_version(ssl, max_version)) return 0;
  return !ciphers || SSL_set_cipher_list(ssl, ciphers);
}

int so_peer_offer(SSL *ssl, const uint8_t *protocols, size_t count) { return SSL_set_alpn_protos(ssl, protocols, (unsigned)count) == 0; }
void so_peer_name(SSL *ssl, const char *name) { SSL_set_tlsext_host_name(ssl, name); }

static int shake(SSL *from, SSL *to) {
  uint8_t bytes[8192], plaintext[4 * 8192];
  size_t produced;
  for (size_t n; (n = so_peer_take(from, bytes, sizeof bytes));) {
    if (so_peer_receive(to, bytes, n, plaintext, sizeof plaintext, &produced) != SO_PEER_OPEN) return 0;
  }
  return 1;
}

/* After early data SSL_read does not shake hands by itself. */
void so_peer_go_on(SSL *ssl) {
  forge *f = forge_index < 0 ? NULL : SSL_get_ex_data(ssl, forge_index);
  if (f && f->is_early && !SSL_is_init_finished(ssl)) SSL_do_handshake(ssl);
}

int so_peer_start_early(SSL *ssl, const uint8_t *bytes, size_t count) {
  forge *f = SSL_get_ex_data(ssl, forge_index);
  f->is_early = 1;
  while (count) {
    size_t written = 0;
    if (!SSL_write_early_data(ssl, bytes, count < 16384 ? count : 16384, &written)) return 0;
    bytes += written, count -= written;
  }
  return 1;
}

SSL_SESSION *so_peer_foreign_session(int max_version, unsigned early_bytes) {
  SSL_CTX *ours = so_peer_settings(0, max_version, NULL, 0), *theirs = so_peer_settings(1, max_version, NULL, 0);
  SSL *client = so_peer_open(ours, NULL), *server = so_peer_open(theirs, NULL);
  SSL_set_max_early_data(server, early_bytes);
  so_peer_forges(client);
  so_peer_start(client);
  for (int i = 0; i < 4 && shake(client, server) && shake(server, client); i++) {}
  SSL_SESSION *session = so_peer_session(client);
  so_peer_close(client);
  so_peer_close(server);
  so_peer_settings_free(ours);
  so_peer_settings_free(theirs);
  return session;
}
