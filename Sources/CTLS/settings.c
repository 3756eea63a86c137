/* Settings of a context, and the callbacks that OpenSSL asks while it shakes hands. */
#include "ctls.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without OpenSSL's work at exit, which threads that still run would stumble over. */
void so_tls_prepare(void) { OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL); }

int so_tls_configure(SSL_CTX *ctx, int min_version, const char *groups, long peer_chain_bytes_max) {
  SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_clear_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(ctx, peer_chain_bytes_max);
  return SSL_CTX_set_min_proto_version(ctx, min_version) && SSL_CTX_set1_groups_list(ctx, groups);
}

int so_tls_limit_version(SSL_CTX *ctx, int max_version) { return (int)SSL_CTX_set_max_proto_version(ctx, max_version); }

static int choose_protocol(
    SSL *ssl, const unsigned char **out, unsigned char *length, const unsigned char *offered, unsigned count, void *argument) {
  (void)ssl;
  const unsigned char *ours = argument;
  /* The first byte is the list's length. */
  int result = SSL_select_next_proto((unsigned char **)out, length, ours + 1, ours[0], offered, count);
  /* RFC 7301 section 3.2: the alert no_application_protocol, rather than a protocol that was not agreed. */
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void so_tls_choose_protocol(SSL_CTX *ctx, const uint8_t *protocols) {
  SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, (void *)protocols);
}

/* Which certificate was refused, or whose name was missed, for the operator. */
static void describe(so_tls_port *port, X509_STORE_CTX *store) {
  char *out = port->failure.detail;
  size_t capacity = sizeof port->failure.detail;
  X509 *certificate = X509_STORE_CTX_get_current_cert(store);
  out[0] = 0;
  if (!certificate) return;
  int error = X509_STORE_CTX_get_error(store);
  if (error != X509_V_ERR_HOSTNAME_MISMATCH && error != X509_V_ERR_IP_ADDRESS_MISMATCH) {
    so_tls_subject(certificate, out, capacity);
    return;
  }
  size_t used = (size_t)snprintf(out, capacity, "it is for ");
  for (int i = 0; used + 40 < capacity; i++) {
    char name[256];
    if (so_tls_host_name(certificate, i, name, sizeof name) < 0) {
      if (i == 0) snprintf(out + used, capacity - used, "no host");
      break;
    }
    int n = snprintf(out + used, capacity - used, "%s%s", i ? ", " : "", name);
    used += n < 0 ? 0 : (size_t)n;
  }
  /* The peer has chosen these names: they must not write lines of their own into a log. */
  for (char *p = out; *p; p++)
    if (*p < ' ' || *p > '~') *p = '?';
}

static int verified(int ok, X509_STORE_CTX *store) {
  if (!ok) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (ssl) describe(so_tls_port_of(ssl), store);
  }
  return ok;
}

void so_tls_verify_peer(SSL_CTX *ctx) {
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verified);
}

typedef struct {
  SSL_CTX *(*choose)(const char *name, void *owner);
  void *owner;
  void (*release)(void *owner);
} choice;

static int choice_index = -1;
static pthread_once_t choice_once = PTHREAD_ONCE_INIT;
static void free_choice(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long number, void *pointer) {
  (void)parent, (void)data, (void)index, (void)number, (void)pointer;
  choice *c = p;
  if (!c) return;
  c->release(c->owner);
  free(c);
}
static void make_choice_index(void) { choice_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_choice); }

static int choose_context(SSL *ssl, int *alert, void *argument) {
  (void)alert;
  choice *c = argument;
  SSL_CTX *ctx = c->choose(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), c->owner);
  if (ctx && ctx != SSL_get_SSL_CTX(ssl) && !SSL_set_SSL_CTX(ssl, ctx)) return SSL_TLSEXT_ERR_ALERT_FATAL;
  return SSL_TLSEXT_ERR_OK;
}

int so_tls_choose_context(
    SSL_CTX *ctx, SSL_CTX *(*choose)(const char *name, void *owner), void *owner, void (*release)(void *owner)) {
  pthread_once(&choice_once, make_choice_index);
  choice *c = malloc(sizeof *c);
  if (c) *c = (choice){choose, owner, release};
  if (!c || choice_index < 0 || !SSL_CTX_set_ex_data(ctx, choice_index, c)) {
    free(c);
    release(owner);
    return 0;
  }
  SSL_CTX_set_tlsext_servername_callback(ctx, choose_context);
  SSL_CTX_set_tlsext_servername_arg(ctx, c);
  return 1;
}

int so_tls_reason(unsigned long code) { return ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : -1; }

int so_tls_alert(unsigned long code) {
  int reason = so_tls_reason(code);
  return reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256 ? reason - SSL_AD_REASON_OFFSET : -1;
}
