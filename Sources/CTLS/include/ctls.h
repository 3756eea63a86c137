/* What Swift cannot say to OpenSSL: a BIO over memory, callbacks, macros, and the loops over records. */
#ifndef SENDONCE_CTLS_H
#define SENDONCE_CTLS_H
#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Once before anything else; again does no harm. */
void so_tls_prepare(void);

/* Why a session failed. `code` is OpenSSL's packed error, `verify` an X509_V_ERR. */
typedef struct {
  unsigned long code;
  long verify;
  uint8_t is_server, is_established, looks_like_http, is_flood;
  /* About a refused certificate, NUL-terminated; empty otherwise. */
  char detail[320];
} so_tls_failure;

/* Where the sessions of one thread take ciphertext from, and where they put it. */
typedef struct {
  /* The window: ciphertext that has not been taken yet. */
  const uint8_t *input;
  size_t input_count;
  /* The sink: it grows as it must, and is emptied by its owner. */
  uint8_t *output;
  size_t output_count, output_capacity;
  /* Where short runs are gathered into one record. */
  uint8_t *staging;
  so_tls_failure failure;
  BIO *bio;
  /* Of the session that worked last: its first handshake is over, and what it has done for its peer's sake since, in the last call. */
  uint8_t has_shaken_hands;
  uint32_t late_steps;
} so_tls_port;

/* The most plaintext that a record carries (RFC 8446 section 5.1). */
enum { so_tls_record_bytes = 16384 };
/* The most that is held while nothing can be written: beyond it a session fails. */
enum { so_tls_held_bytes_max = 256 << 10 };

/* Steps that a peer may have a session take behind its handshake, at once and in a second for good: three for its new keys or for a
   ticket, two more where it asks for our keys, one to refuse a new handshake. New keys cost as much as some dozens of requests, and are
   due once in many gigabytes; of tickets two are usual. */
enum { so_tls_late_steps_burst = 128, so_tls_late_steps_per_second = 8 };

/* NULL without memory. The port lives until it and all of its sessions have been freed. */
so_tls_port *so_tls_port_new(void);
void so_tls_port_free(so_tls_port *port);
/* Gives the sink's memory back. */
void so_tls_port_trim(so_tls_port *port);

/* How a call left the session. FULL: there is more, and no room left for it. */
typedef enum { SO_TLS_OPEN, SO_TLS_FULL, SO_TLS_ENDED, SO_TLS_FAILED } so_tls_state;

/* NULL without memory. */
SSL *so_tls_accepting(SSL_CTX *ctx, so_tls_port *port);
so_tls_port *so_tls_port_of(const SSL *ssl);
/* Takes a client's first step: its greeting is in the sink afterwards. */
so_tls_state so_tls_start(SSL *ssl);
/* Takes `count` bytes of ciphertext and puts what they say into `out`, as long as there is room. */
so_tls_state so_tls_receive(SSL *ssl, const uint8_t *in, size_t count, uint8_t *out, size_t capacity, size_t *produced);
/* Whether the steps of the last `receive` are no more than its peer may ask for; `now` in nanoseconds. 0: the session has failed. */
int so_tls_may_step(SSL *ssl, uint64_t now);
/* Puts records with the bytes of all runs into the sink. SO_TLS_FULL: the handshake has not ended, nothing was taken. While a later
   message of the peer's handshake has come in part, nothing can be written: they are held until a `receive` makes it whole. */
so_tls_state so_tls_write(SSL *ssl, const struct iovec *runs, int count);
void so_tls_shutdown(SSL *ssl);
void so_tls_close(SSL *ssl);

/* What holds for both sides; min_version is 0x0303 or 0x0304. Returns 1, or 0 with an error queued. */
int so_tls_configure(SSL_CTX *ctx, int min_version, const char *groups, long peer_chain_bytes_max);
int so_tls_limit_version(SSL_CTX *ctx, int max_version);
/* `protocols` in ALPN's form after a byte with its length, of static storage: the first one that the client offers is
   chosen; when it offers others only, an alert. */
void so_tls_choose_protocol(SSL_CTX *ctx, const uint8_t *protocols);
/* The peer must present a good certificate; what is wrong with it is written to the port. */
void so_tls_verify_peer(SSL_CTX *ctx);
/* Calls `choose` with the server name (NULL: none) and the owner; the context that it returns serves the session. `owner` is
   handed to `release` when the context is freed. */
int so_tls_choose_context(
    SSL_CTX *ctx, SSL_CTX *(*choose)(const char *name, void *owner), void *owner, void (*release)(void *owner));

/* Keys that encrypt session tickets: a new one every `seconds`, the older ones still open what they closed. */
typedef struct so_tls_ticket_keys so_tls_ticket_keys;
enum { so_tls_ticket_key_count = 4 };
so_tls_ticket_keys *so_tls_ticket_keys_new(unsigned seconds);
void so_tls_ticket_keys_release(so_tls_ticket_keys *keys);
/* Returns 0 when there is no randomness. */
int so_tls_ticket_keys_rotate(so_tls_ticket_keys *keys);
/* The context holds on to the keys. Tickets are taken for `lifetime` seconds. */
int so_tls_use_ticket_keys(SSL_CTX *ctx, so_tls_ticket_keys *keys, unsigned lifetime);

/* The latest session with one server, for the next one to resume. */
typedef struct so_tls_resumption so_tls_resumption;
so_tls_resumption *so_tls_resumption_new(void);
void so_tls_resumption_release(so_tls_resumption *resumption);
void so_tls_remember_sessions(SSL_CTX *ctx);
/* For a client's session whose handshake has just ended. */
void so_tls_remember_renewed(SSL *ssl);
/* A session that resumes, when it can, the latest one. `name` is for SNI and for the certificate; is_address: a literal address. */
SSL *so_tls_connecting(SSL_CTX *ctx, so_tls_port *port, so_tls_resumption *resumption, const char *name, int is_address);

/* The index-th host name of a certificate (its CN when it has no subjectAltName with one). Returns its length, or -1. */
int so_tls_host_name(X509 *certificate, int index, char *out, size_t capacity);
/* The subject as RFC 2253 writes it. Returns its length. */
int so_tls_subject(X509 *certificate, char *out, size_t capacity);
/* The day of an ASN1_TIME as YYYY-MM-DD. */
int so_tls_day(const ASN1_TIME *time, char *out, size_t capacity);
/* A private key or NULL; `encrypted` says whether a passphrase was asked for. NULL passphrase: none, and nobody is prompted. */
EVP_PKEY *so_tls_read_key(const uint8_t *pem, size_t count, const char *passphrase, int *encrypted);
/* Adds a certificate of the chain of the one used last. The context takes a reference of its own. */
int so_tls_add_to_chain(SSL_CTX *ctx, X509 *certificate);

/* SSL's own reason of an error and the number of the alert that it stands for: -1 when it does not. */
int so_tls_reason(unsigned long code);
int so_tls_alert(unsigned long code);
#endif
