/* One end of a TLS connection: what comes goes into one BIO, what is to be sent comes out of the other. */
#include "peertls.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int protocols_index = -1;
static pthread_once_t index_once = PTHREAD_ONCE_INIT;

static int choose(
    SSL *ssl, const unsigned char **out, unsigned char *length, const unsigned char *offered, unsigned count, void *argument) {
  (void)ssl;
  const unsigned char *ours = argument;
  return SSL_select_next_proto((unsigned char **)out, length, ours + 1, ours[0], offered, count) == OPENSSL_NPN_NEGOTIATED
      ? SSL_TLSEXT_ERR_OK
      : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void release(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long number, void *pointer) {
  (void)parent, (void)data, (void)index, (void)number, (void)pointer;
  OPENSSL_free(p);
}

static void make_index(void) { protocols_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, release); }

static SSL_CTX *failed(SSL_CTX *settings) {
  SSL_CTX_free(settings);
  return NULL;
}

SSL_CTX *so_peer_settings(int is_server, int max_version, const uint8_t *protocols, size_t count) {
  SSL_CTX *settings = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
  char certificate[40], key[40];
  snprintf(certificate, sizeof certificate, "/proc/self/fd/%d", so_peer_certificate_file());
  snprintf(key, sizeof key, "/proc/self/fd/%d", so_peer_key_file());
  if (!settings || !SSL_CTX_set_max_proto_version(settings, max_version)) return failed(settings);
  SSL_CTX_set_options(settings, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(settings, SSL_SESS_CACHE_OFF);
  if (is_server) {
    if (!SSL_CTX_use_certificate_file(settings, certificate, SSL_FILETYPE_PEM)) return failed(settings);
    if (!SSL_CTX_use_PrivateKey_file(settings, key, SSL_FILETYPE_PEM)) return failed(settings);
    SSL_CTX_set_session_id_context(settings, (const unsigned char *)"world", 5);
  }
  if (!count) return settings;
  if (!is_server) return SSL_CTX_set_alpn_protos(settings, protocols, (unsigned)count) ? failed(settings) : settings;
  pthread_once(&index_once, make_index);
  unsigned char *list = OPENSSL_malloc(count + 1);
  if (!list) return failed(settings);
  list[0] = (unsigned char)count;
  memcpy(list + 1, protocols, count);
  SSL_CTX_set_ex_data(settings, protocols_index, list);
  SSL_CTX_set_alpn_select_cb(settings, choose, list);
  return settings;
}

static int fill_ticket(SSL *ssl, void *argument) {
  static const uint8_t nothing[16384];
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), nothing, (size_t)(uintptr_t)argument);
}

static SSL_TICKET_RETURN open_ticket(
    SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t count, SSL_TICKET_STATUS status, void *argument) {
  (void)ssl, (void)session, (void)name, (void)count, (void)argument;
  switch (status) {
  case SSL_TICKET_EMPTY:
  case SSL_TICKET_NO_DECRYPT: return SSL_TICKET_RETURN_IGNORE_RENEW;
  case SSL_TICKET_SUCCESS: return SSL_TICKET_RETURN_USE;
  default: return SSL_TICKET_RETURN_USE_RENEW;
  }
}

void so_peer_lengthen_tickets(SSL_CTX *settings, size_t bytes) {
  SSL_CTX_set_session_ticket_cb(settings, fill_ticket, open_ticket, (void *)(uintptr_t)bytes);
}

SSL *so_peer_open(SSL_CTX *settings, SSL_SESSION *earlier) {
  SSL *ssl = SSL_new(settings);
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
  if (!ssl || !in || !out) {
    SSL_free(ssl);
    BIO_free(in);
    BIO_free(out);
    return NULL;
  }
  BIO_set_mem_eof_return(in, -1);
  SSL_set_bio(ssl, in, out);
  if (SSL_is_server(ssl)) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
    SSL_set_tlsext_host_name(ssl, "shop.example");
    if (earlier) SSL_set_session(ssl, earlier);
  }
  return ssl;
}

static so_peer_state state_after(SSL *ssl, int result) {
  switch (SSL_get_error(ssl, result)) {
  case SSL_ERROR_NONE:
  case SSL_ERROR_WANT_READ: return SO_PEER_OPEN;
  case SSL_ERROR_ZERO_RETURN: return SO_PEER_ENDED;
  default: return SO_PEER_FAILED;
  }
}

so_peer_state so_peer_start(SSL *ssl) {
  ERR_clear_error();
  return state_after(ssl, SSL_do_handshake(ssl));
}

so_peer_state so_peer_receive(SSL *ssl, const uint8_t *bytes, size_t count, uint8_t *out, size_t capacity, size_t *produced) {
  ERR_clear_error();
  *produced = 0;
  BIO_write(SSL_get_rbio(ssl), bytes, (int)count);
  so_peer_go_on(ssl);
  for (;;) {
    size_t n = 0;
    int result = SSL_read_ex(ssl, out + *produced, capacity - *produced, &n);
    *produced += n;
    if (!result) return state_after(ssl, result);
  }
}

int so_peer_write(SSL *ssl, const uint8_t *bytes, size_t count) {
  size_t written = 0;
  ERR_clear_error();
  return SSL_write_ex(ssl, bytes, count, &written) && written == count;
}

void so_peer_update_keys(SSL *ssl, int asks) {
  ERR_clear_error();
  if (SSL_version(ssl) != TLS1_3_VERSION || !SSL_is_init_finished(ssl)) return;
  if (SSL_key_update(ssl, asks ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED)) SSL_do_handshake(ssl);
}

void so_peer_give_ticket(SSL *ssl) {
  ERR_clear_error();
  if (SSL_version(ssl) != TLS1_3_VERSION || !SSL_is_init_finished(ssl)) return;
  if (SSL_new_session_ticket(ssl)) SSL_do_handshake(ssl);
}

void so_peer_ask_again(SSL *ssl) {
  ERR_clear_error();
  if (SSL_version(ssl) != TLS1_2_VERSION || !SSL_is_init_finished(ssl)) return;
  SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
  if (SSL_renegotiate(ssl)) SSL_do_handshake(ssl);
}

void so_peer_set_padding(SSL *ssl, size_t block) { SSL_set_block_padding(ssl, block); }
void so_peer_set_record_bytes(SSL *ssl, size_t bytes) { SSL_set_max_send_fragment(ssl, (long)bytes); }

void so_peer_shutdown(SSL *ssl) {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl)) SSL_shutdown(ssl);
}

size_t so_peer_pending(SSL *ssl) { return BIO_ctrl_pending(SSL_get_wbio(ssl)); }

size_t so_peer_take(SSL *ssl, uint8_t *out, size_t capacity) {
  int n = BIO_read(SSL_get_wbio(ssl), out, (int)capacity);
  return n > 0 ? (size_t)n : 0;
}

const char *so_peer_reason(SSL *ssl) {
  (void)ssl;
  const char *reason = ERR_reason_error_string(ERR_peek_error());
  return reason ? reason : "no reason";
}

int so_peer_is_ready(SSL *ssl) { return SSL_is_init_finished(ssl); }
int so_peer_is_resumed(SSL *ssl) { return SSL_session_reused(ssl); }

int so_peer_has_agreed(SSL *ssl, const uint8_t *name, size_t count) {
  const unsigned char *chosen;
  unsigned length;
  SSL_get0_alpn_selected(ssl, &chosen, &length);
  return length == count && (count == 0 || memcmp(chosen, name, count) == 0);
}

SSL_SESSION *so_peer_session(SSL *ssl) {
  SSL_SESSION *session = SSL_get1_session(ssl);
  if (session && SSL_SESSION_is_resumable(session)) return session;
  SSL_SESSION_free(session);
  return NULL;
}

void so_peer_forget(SSL_SESSION *session) { SSL_SESSION_free(session); }

void so_peer_close(SSL *ssl) {
  if (SSL_is_init_finished(ssl)) SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl);
}

void so_peer_settings_free(SSL_CTX *settings) { SSL_CTX_free(settings); }
