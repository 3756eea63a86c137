/* Session resumption: the keys of a server's tickets, and a client's latest session. */
#include "ctls.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  uint8_t name[16], cipher[32], mac[32];
} ticket_key;

struct so_tls_ticket_keys {
  pthread_mutex_t lock;
  int references, count;
  unsigned seconds;
  time_t made;
  /* The newest first. */
  ticket_key keys[so_tls_ticket_key_count];
};

struct so_tls_resumption {
  pthread_mutex_t lock;
  int references;
  SSL_SESSION *latest;
};

static int keys_index = -1, resumption_index = -1;
static pthread_once_t index_once = PTHREAD_ONCE_INIT;

static void free_keys(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long number, void *pointer) {
  (void)parent, (void)data, (void)index, (void)number, (void)pointer;
  if (p) so_tls_ticket_keys_release(p);
}
static void free_resumption(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long number, void *pointer) {
  (void)parent, (void)data, (void)index, (void)number, (void)pointer;
  if (p) so_tls_resumption_release(p);
}
static void make_indices(void) {
  keys_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_keys);
  resumption_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_resumption);
}

/* MARK: a server's keys */

static time_t seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return t.tv_sec;
}

static int add_key(so_tls_ticket_keys *keys) {
  ticket_key key;
  if (RAND_priv_bytes((unsigned char *)&key, sizeof key) <= 0) return 0;
  memmove(keys->keys + 1, keys->keys, sizeof key * (so_tls_ticket_key_count - 1));
  keys->keys[0] = key;
  if (keys->count < so_tls_ticket_key_count) keys->count++;
  keys->made = seconds_now();
  OPENSSL_cleanse(&key, sizeof key);
  return 1;
}

so_tls_ticket_keys *so_tls_ticket_keys_new(unsigned seconds) {
  so_tls_prepare();
  so_tls_ticket_keys *keys = calloc(1, sizeof *keys);
  if (!keys) return NULL;
  pthread_mutex_init(&keys->lock, NULL);
  keys->references = 1;
  keys->seconds = seconds;
  if (add_key(keys)) return keys;
  free(keys);
  return NULL;
}

void so_tls_ticket_keys_release(so_tls_ticket_keys *keys) {
  if (__atomic_sub_fetch(&keys->references, 1, __ATOMIC_ACQ_REL)) return;
  pthread_mutex_destroy(&keys->lock);
  OPENSSL_cleanse(keys, sizeof *keys);
  free(keys);
}

int so_tls_ticket_keys_rotate(so_tls_ticket_keys *keys) {
  pthread_mutex_lock(&keys->lock);
  int ok = add_key(keys);
  pthread_mutex_unlock(&keys->lock);
  return ok;
}

/* Copies the key to encrypt with (name NULL) or the one of that name. Returns its place, or -1. */
static int find_key(so_tls_ticket_keys *keys, const unsigned char *name, ticket_key *found) {
  int place = name ? -1 : 0;
  pthread_mutex_lock(&keys->lock);
  /* Without randomness the old key goes on. */
  if (seconds_now() - keys->made >= (time_t)keys->seconds) add_key(keys);
  for (int i = 0; name && i < keys->count; i++) {
    if (memcmp(keys->keys[i].name, name, sizeof found->name) == 0) place = i;
  }
  if (place >= 0) *found = keys->keys[place];
  pthread_mutex_unlock(&keys->lock);
  return place;
}

/* RFC 5077 section 4's recommended ticket: AES-CBC, HMAC-SHA-256. */
static int use_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt) {
  so_tls_ticket_keys *keys = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index);
  ticket_key key;
  int place = keys ? find_key(keys, encrypt ? NULL : name, &key) : -1;
  /* An unknown key is a full handshake, no error. */
  if (place < 0) return encrypt ? -1 : 0;
  const EVP_CIPHER *aes = EVP_aes_256_cbc();
  OSSL_PARAM parameters[] = {
    OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac, sizeof key.mac),
    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
    OSSL_PARAM_construct_end(),
  };
  int ok = EVP_MAC_CTX_set_params(mac, parameters);
  if (encrypt) {
    memcpy(name, key.name, sizeof key.name);
    ok = ok && RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) > 0 && EVP_EncryptInit_ex(cipher, aes, NULL, key.cipher, iv);
  } else {
    ok = ok && EVP_DecryptInit_ex(cipher, aes, NULL, key.cipher, iv);
  }
  OPENSSL_cleanse(&key, sizeof key);
  if (!ok) return -1;
  /* 2: good, and the client is to have a new ticket: for the new key, and in TLS 1.3 always, whose tickets serve once. */
  return !encrypt && (place > 0 || SSL_version(ssl) >= TLS1_3_VERSION) ? 2 : 1;
}

int so_tls_use_ticket_keys(SSL_CTX *ctx, so_tls_ticket_keys *keys, unsigned lifetime) {
  pthread_once(&index_once, make_indices);
  if (keys_index < 0) return 0;
  __atomic_add_fetch(&keys->references, 1, __ATOMIC_RELAXED);
  if (!SSL_CTX_set_ex_data(ctx, keys_index, keys)) {
    so_tls_ticket_keys_release(keys);
    return 0;
  }
  SSL_CTX_set_timeout(ctx, (long)lifetime);
  /* One is enough, as every resumption brings the next. */
  return SSL_CTX_set_num_tickets(ctx, 1) && SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, use_key);
}

/* MARK: a client's session */

so_tls_resumption *so_tls_resumption_new(void) {
  so_tls_resumption *resumption = calloc(1, sizeof *resumption);
  if (!resumption) return NULL;
  pthread_mutex_init(&resumption->lock, NULL);
  resumption->references = 1;
  return resumption;
}

void so_tls_resumption_release(so_tls_resumption *resumption) {
  if (__atomic_sub_fetch(&resumption->references, 1, __ATOMIC_ACQ_REL)) return;
  SSL_SESSION_free(resumption->latest);
  pthread_mutex_destroy(&resumption->lock);
  free(resumption);
}

static int remember(SSL *ssl, SSL_SESSION *session) {
  so_tls_resumption *resumption = SSL_get_ex_data(ssl, resumption_index);
  if (!resumption || !SSL_SESSION_is_resumable(session)) return 0;
  pthread_mutex_lock(&resumption->lock);
  SSL_SESSION *old = resumption->latest;
  resumption->latest = session;
  pthread_mutex_unlock(&resumption->lock);
  SSL_SESSION_free(old);
  return 1;
}

void so_tls_remember_renewed(SSL *ssl) {
  /* OpenSSL calls back for every ticket but those that renew a TLS 1.2 session, whose predecessor it has spoilt. */
  if (SSL_version(ssl) != TLS1_2_VERSION || !SSL_session_reused(ssl)) return;
  SSL_SESSION *session = SSL_get1_session(ssl);
  if (session && !remember(ssl, session)) SSL_SESSION_free(session);
}

void so_tls_remember_sessions(SSL_CTX *ctx) {
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, remember);
}

SSL *so_tls_connecting(SSL_CTX *ctx, so_tls_port *port, so_tls_resumption *resumption, const char *name, int is_address) {
  pthread_once(&index_once, make_indices);
  SSL *ssl = so_tls_accepting(ctx, port);
  if (!ssl) return NULL;
  SSL_set_connect_state(ssl);
  __atomic_add_fetch(&resumption->references, 1, __ATOMIC_RELAXED);
  if (resumption_index < 0 || !SSL_set_ex_data(ssl, resumption_index, resumption)) {
    so_tls_resumption_release(resumption);
    goto failed;
  }
  if (is_address) {
    if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name)) goto failed;
  } else if (!SSL_set_tlsext_host_name(ssl, name) || !SSL_set1_host(ssl, name)) {
    goto failed;
  }
  pthread_mutex_lock(&resumption->lock);
  if (resumption->latest) SSL_set_session(ssl, resumption->latest);
  pthread_mutex_unlock(&resumption->lock);
  return ssl;
failed:
  SSL_free(ssl);
  ERR_clear_error();
  return NULL;
}
