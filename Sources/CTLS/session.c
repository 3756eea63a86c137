/* Sessions over memory: the BIO, the port, and the calls of the hot path. */
#include "ctls.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static BIO_METHOD *method;
static int held_index = -1, steps_index = -1;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

/* Bytes that are to be written as soon as a message of the peer's handshake, which has come in part, is whole. */
typedef struct {
  size_t count, capacity;
  uint8_t *bytes;
} held;

static void free_held(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long number, void *pointer) {
  (void)parent, (void)data, (void)index, (void)number, (void)pointer;
  held *h = p;
  if (!h) return;
  free(h->bytes);
  free(h);
}

static int take(BIO *bio, char *out, int count) {
  so_tls_port *port = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  size_t n = port->input_count < (size_t)count ? port->input_count : (size_t)count;
  /* Who asks for too many steps gets none of the next. */
  if (port->late_steps > so_tls_late_steps_burst) n = 0;
  if (n == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  memcpy(out, port->input, n);
  port->input += n;
  port->input_count -= n;
  return (int)n;
}

static int put(BIO *bio, const char *bytes, int count) {
  so_tls_port *port = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (count <= 0) return 0;
  size_t needed = port->output_count + (size_t)count;
  if (needed > port->output_capacity) {
    size_t capacity = port->output_capacity ? port->output_capacity : 4096;
    while (capacity < needed) capacity *= 2;
    uint8_t *larger = realloc(port->output, capacity);
    if (!larger) return -1;
    port->output = larger;
    port->output_capacity = capacity;
  }
  memcpy(port->output + port->output_count, bytes, (size_t)count);
  port->output_count = needed;
  return count;
}

static long control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  /* Nothing is held back, so that flushing always succeeds. */
  return command == BIO_CTRL_FLUSH;
}

static int destroy(BIO *bio) {
  so_tls_port *port = BIO_get_data(bio);
  free(port->output);
  free(port->staging);
  free(port);
  return 1;
}

static void make_method(void) {
  so_tls_prepare();
  held_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_held);
  steps_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "port");
  if (!method) return;
  BIO_meth_set_read(method, take);
  BIO_meth_set_write(method, put);
  BIO_meth_set_ctrl(method, control);
  BIO_meth_set_destroy(method, destroy);
}

so_tls_port *so_tls_port_new(void) {
  pthread_once(&method_once, make_method);
  so_tls_port *port = calloc(1, sizeof *port);
  uint8_t *staging = malloc(so_tls_record_bytes);
  BIO *bio = method && port && staging ? BIO_new(method) : NULL;
  if (!bio) {
    free(port);
    free(staging);
    return NULL;
  }
  port->staging = staging;
  port->bio = bio;
  BIO_set_data(bio, port);
  BIO_set_init(bio, 1);
  return port;
}

void so_tls_port_free(so_tls_port *port) { BIO_free(port->bio); }

void so_tls_port_trim(so_tls_port *port) {
  free(port->output);
  port->output = NULL;
  port->output_count = port->output_capacity = 0;
}

so_tls_port *so_tls_port_of(const SSL *ssl) { return BIO_get_data(SSL_get_rbio(ssl)); }

static void note_step(const SSL *ssl, int where, int value) {
  (void)value;
  so_tls_port *port = so_tls_port_of(ssl);
  if (where & SSL_CB_HANDSHAKE_DONE) port->has_shaken_hands = 1;
  /* Our tickets follow of themselves. */
  if (!port->has_shaken_hands || SSL_get_state(ssl) == TLS_ST_SW_SESSION_TICKET) return;
  if (where & SSL_CB_LOOP || where == SSL_CB_WRITE_ALERT) port->late_steps++;
}

SSL *so_tls_accepting(SSL_CTX *ctx, so_tls_port *port) {
  SSL *ssl = SSL_new(ctx);
  if (!ssl) return NULL;
  /* One BIO serves all sessions of a thread: only one of them is at work at a time. */
  BIO_up_ref(port->bio);
  SSL_set_bio(ssl, port->bio, port->bio);
  SSL_set_accept_state(ssl);
  SSL_set_info_callback(ssl, note_step);
  return ssl;
}

/* What another session may have left in the thread's error queue would be taken for this one's failure. */
static void forget_errors(void) {
  if (ERR_peek_error()) ERR_clear_error();
}

static int looks_like_http(int is_server, const uint8_t *p, size_t n) {
  if (!is_server) return n >= 5 && memcmp(p, "HTTP/", 5) == 0;
  size_t i = 0;
  while (i < n && i < 8 && p[i] >= 'A' && p[i] <= 'Z') i++;
  return i >= 3 && (i == n || i == 8 || p[i] == ' ');
}

static void note_failure(SSL *ssl, so_tls_port *port, int was_established, const uint8_t *first, size_t count) {
  so_tls_failure *failure = &port->failure;
  failure->code = 0;
  failure->is_flood = 0;
  for (unsigned long code; (code = ERR_get_error());) {
    /* The first one is the cause; if a deeper library reported it, what TLS made of it says more. */
    if (!failure->code || (ERR_GET_LIB(failure->code) != ERR_LIB_SSL && ERR_GET_LIB(code) == ERR_LIB_SSL)) failure->code = code;
  }
  failure->verify = SSL_get_verify_result(ssl);
  failure->is_server = (uint8_t)SSL_is_server(ssl);
  failure->is_established = (uint8_t)was_established;
  int reason = so_tls_reason(failure->code);
  failure->looks_like_http = reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST
      || (reason == SSL_R_WRONG_VERSION_NUMBER && !was_established && looks_like_http(SSL_is_server(ssl), first, count));
  if (reason != SSL_R_CERTIFICATE_VERIFY_FAILED) failure->detail[0] = 0;
}

so_tls_state so_tls_start(SSL *ssl) {
  so_tls_port *port = so_tls_port_of(ssl);
  forget_errors();
  port->input_count = 0;
  int result = SSL_do_handshake(ssl);
  if (result == 1 || SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ) return SO_TLS_OPEN;
  note_failure(ssl, port, 0, NULL, 0);
  return SO_TLS_FAILED;
}

static int write_record(SSL *ssl, const uint8_t *bytes, size_t count) {
  size_t written = 0;
  return SSL_write_ex(ssl, bytes, count, &written);
}

/* The first handshake is over. While a later message of one (a ticket that comes in several records) is here in part, OpenSSL
   takes itself to be in a handshake, and writes nothing. */
static int has_shaken_hands(const SSL *ssl) {
  uint8_t byte;
  return SSL_get_finished(ssl, &byte, 1) > 0 && SSL_get_peer_finished(ssl, &byte, 1) > 0;
}

static int hold(SSL *ssl, const struct iovec *runs, int count) {
  held *h = SSL_get_ex_data(ssl, held_index);
  if (!h) {
    h = calloc(1, sizeof *h);
    if (!h) return 0;
    if (held_index < 0 || !SSL_set_ex_data(ssl, held_index, h)) {
      free(h);
      return 0;
    }
  }
  size_t needed = h->count;
  for (int i = 0; i < count; i++) needed += runs[i].iov_len;
  if (needed > so_tls_held_bytes_max) return 0;
  if (needed > h->capacity) {
    size_t capacity = 2 * needed < so_tls_held_bytes_max ? 2 * needed : so_tls_held_bytes_max;
    uint8_t *larger = realloc(h->bytes, capacity);
    if (!larger) return 0;
    h->bytes = larger;
    h->capacity = capacity;
  }
  for (int i = 0; i < count; i++) {
    memcpy(h->bytes + h->count, runs[i].iov_base, runs[i].iov_len);
    h->count += runs[i].iov_len;
  }
  return 1;
}

/* Returns 0 when it fails. */
static int write_held(SSL *ssl) {
  held *h = SSL_get_ex_data(ssl, held_index);
  if (!h || !SSL_is_init_finished(ssl)) return 1;
  SSL_set_ex_data(ssl, held_index, NULL);
  int ok = 1;
  for (size_t at = 0; ok && at < h->count; at += so_tls_record_bytes) {
    size_t left = h->count - at;
    ok = write_record(ssl, h->bytes + at, left < so_tls_record_bytes ? left : so_tls_record_bytes);
  }
  free_held(NULL, h, NULL, 0, 0, NULL);
  return ok;
}

so_tls_state so_tls_receive(SSL *ssl, const uint8_t *in, size_t count, uint8_t *out, size_t capacity, size_t *produced) {
  so_tls_port *port = so_tls_port_of(ssl);
  forget_errors();
  port->input = in;
  port->input_count = count;
  int was_established = SSL_is_init_finished(ssl);
  port->has_shaken_hands = was_established || has_shaken_hands(ssl);
  port->late_steps = 0;
  size_t total = 0;
  so_tls_state state = SO_TLS_OPEN;
  for (;;) {
    size_t n = 0;
    if (total == capacity) {
      if (port->input_count || SSL_has_pending(ssl)) state = SO_TLS_FULL;
      break;
    }
    if (SSL_read_ex(ssl, out + total, capacity - total, &n)) {
      total += n;
      /* Asking once more only to hear that there is nothing would cost a buffer's allocation. */
      if (!port->input_count && !SSL_has_pending(ssl)) break;
      continue;
    }
    int error = SSL_get_error(ssl, 0);
    if (error == SSL_ERROR_WANT_READ) break;
    if (error == SSL_ERROR_ZERO_RETURN) {
      state = SO_TLS_ENDED;
    } else {
      note_failure(ssl, port, port->has_shaken_hands, in, count);
      state = SO_TLS_FAILED;
    }
    port->input_count = 0;
    break;
  }
  if (!was_established && SSL_is_init_finished(ssl) && !SSL_is_server(ssl)) so_tls_remember_renewed(ssl);
  if (state == SO_TLS_OPEN && !write_held(ssl)) {
    note_failure(ssl, port, 1, NULL, 0);
    state = SO_TLS_FAILED;
  }
  *produced = total;
  return state;
}

int so_tls_may_step(SSL *ssl, uint64_t now) {
  so_tls_port *port = so_tls_port_of(ssl);
  if (!port->late_steps) return 1;
  /* What is not made up for yet stands in place of a pointer: a number of steps, and above it the time by which as many are earned. */
  uint64_t steps = (uintptr_t)SSL_get_ex_data(ssl, steps_index);
  uint64_t time = now / (1000000000 / so_tls_late_steps_per_second);
  uint64_t earned = time - (steps >> 16), left = steps & 0xffff;
  left = (left > earned ? left - earned : 0) + port->late_steps;
  if (left <= so_tls_late_steps_burst && SSL_set_ex_data(ssl, steps_index, (void *)(uintptr_t)(time << 16 | left))) return 1;
  note_failure(ssl, port, 1, NULL, 0);
  port->failure.is_flood = 1;
  return 0;
}

so_tls_state so_tls_write(SSL *ssl, const struct iovec *runs, int count) {
  so_tls_port *port = so_tls_port_of(ssl);
  if (!SSL_is_init_finished(ssl)) {
    if (!has_shaken_hands(ssl)) return SO_TLS_FULL;
    if (hold(ssl, runs, count)) return SO_TLS_OPEN;
    goto failed;
  }
  forget_errors();
  size_t staged = 0;
  for (int i = 0; i < count; i++) {
    const uint8_t *p = runs[i].iov_base;
    size_t left = runs[i].iov_len;
    while (left) {
      size_t whole = left - left % so_tls_record_bytes;
      /* The last run needs no staging either when nothing precedes it. */
      if (!staged && (whole || i == count - 1)) {
        size_t n = i == count - 1 ? left : whole;
        if (!write_record(ssl, p, n)) goto failed;
        p += n, left -= n;
        continue;
      }
      size_t room = so_tls_record_bytes - staged;
      size_t n = left < room ? left : room;
      memcpy(port->staging + staged, p, n);
      staged += n, p += n, left -= n;
      if (staged == so_tls_record_bytes) {
        if (!write_record(ssl, port->staging, staged)) goto failed;
        staged = 0;
      }
    }
  }
  if (staged && !write_record(ssl, port->staging, staged)) goto failed;
  return SO_TLS_OPEN;
failed:
  note_failure(ssl, port, 1, NULL, 0);
  return SO_TLS_FAILED;
}

void so_tls_shutdown(SSL *ssl) {
  /* In a handshake, and after a failure, there is nothing to end. */
  if (!SSL_is_init_finished(ssl)) return;
  so_tls_port_of(ssl)->input_count = 0;
  SSL_shutdown(ssl);
  forget_errors();
}

void so_tls_close(SSL *ssl) {
  /* Freeing a session that was not shut down would forbid to resume it, which TLS 1.2 and later do not ask for. */
  if (SSL_is_init_finished(ssl)) SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl);
}
