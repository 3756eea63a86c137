/* TLS for the peers of simulated worlds: OpenSSL over two memory BIOs, with nothing of the product's. And chance that repeats. */
#ifndef SENDONCE_PEERTLS_H
#define SENDONCE_PEERTLS_H
#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ssl_session_st SSL_SESSION;

/* Until `end`, all that OpenSSL draws by chance on this thread follows from the state. Other threads draw as ever. */
void so_chance_begin(uint64_t *state);
void so_chance_end(void);

/* Descriptors of files in memory: the certificate of shop.example, which is its own authority, and its key, as PEM. The same bytes
   in each process, and an algorithm whose signatures have one length (Ed25519). -1: cannot be made. */
int so_peer_certificate_file(void);
int so_peer_key_file(void);

/* What all connections of one side have in common. `protocols` is in ALPN's form; none: nothing is said of them. */
SSL_CTX *so_peer_settings(int is_server, int max_version, const uint8_t *protocols, size_t protocols_count);
/* A server's tickets are longer by so much. */
void so_peer_lengthen_tickets(SSL_CTX *settings, size_t bytes);

typedef enum { SO_PEER_OPEN, SO_PEER_ENDED, SO_PEER_FAILED } so_peer_state;

/* A client gets a session to go on with, or NULL, which it does not take from its owner. */
SSL *so_peer_open(SSL_CTX *settings, SSL_SESSION *earlier);
/* A client's first step. */
so_peer_state so_peer_start(SSL *ssl);
/* Takes all of `bytes`; what they say is in `out` as far as there is room: twice as much as given, and a record, is enough. */
so_peer_state so_peer_receive(SSL *ssl, const uint8_t *bytes, size_t count, uint8_t *out, size_t capacity, size_t *produced);
/* One record, if the bytes are no more than one takes. Returns 1 when it could be made. */
int so_peer_write(SSL *ssl, const uint8_t *bytes, size_t count);
/* New keys for what follows; asks the other side for the same. TLS 1.3. */
void so_peer_update_keys(SSL *ssl, int asks);
/* A server's ticket, one more. TLS 1.3. */
void so_peer_give_ticket(SSL *ssl);
/* A server asks its client for a new handshake. TLS 1.2. */
void so_peer_ask_again(SSL *ssl);
void so_peer_set_padding(SSL *ssl, size_t block);
/* Records of the handshake, and of bytes, are no longer. */
void so_peer_set_record_bytes(SSL *ssl, size_t bytes);
void so_peer_shutdown(SSL *ssl);
/* A client, before it starts, that makes records of its own: AES-128-GCM alone. Whatever it writes is forged from then on. 0: cannot. */
int so_peer_forges(SSL *ssl);
/* A record of this type and content, in TLS 1.3 with so many zeros behind it; `out` has room for both and 64 bytes. Returns how long it is. */
size_t so_peer_forge(SSL *ssl, uint8_t type, const uint8_t *bytes, size_t count, size_t padding, uint8_t *out);
/* The keys that follow a KeyUpdate. */
void so_peer_forge_next_keys(SSL *ssl);
/* The last alert that has come to one that forges: 256 times its level, and what it says; 0: none. */
int so_peer_alert(const SSL *ssl);
/* What its hello says: versions and ciphers (NULL: as ever), protocols in ALPN's form, the server's name. */
int so_peer_limit_versions(SSL *ssl, int min_version, int max_version, const char *ciphers);
int so_peer_offer(SSL *ssl, const uint8_t *protocols, size_t count);
void so_peer_name(SSL *ssl, const char *name);
/* A session that another server has given, for `so_peer_open`: nobody else can open its ticket. In TLS 1.3 that one takes so many bytes of
   early data. Its caller forgets it. */
SSL_SESSION *so_peer_foreign_session(int max_version, unsigned early_bytes);
/* The first step of a client that sends these in its first flight. Returns 1 when they could be made. `go_on`: each step after it. */
void so_peer_go_on(SSL *ssl);
int so_peer_start_early(SSL *ssl, const uint8_t *bytes, size_t count);
/* Moves what the session has for the other side; returns how much. */
size_t so_peer_take(SSL *ssl, uint8_t *out, size_t capacity);
size_t so_peer_pending(SSL *ssl);
/* Why it failed, in OpenSSL's words. */
const char *so_peer_reason(SSL *ssl);
int so_peer_is_ready(SSL *ssl);
int so_peer_is_resumed(SSL *ssl);
/* Whether ALPN has chosen this, or, for none, nothing. */
int so_peer_has_agreed(SSL *ssl, const uint8_t *name, size_t count);
/* The session, if another connection may go on with it: its caller frees it. */
SSL_SESSION *so_peer_session(SSL *ssl);
void so_peer_forget(SSL_SESSION *session);
/* Frees it; its session may be gone on with. */
void so_peer_close(SSL *ssl);
void so_peer_settings_free(SSL_CTX *settings);

/* Counts what OpenSSL allocates between `begin` and `end` on this thread: bytes that are not freed, and calls. First of all, or 0. */
int so_memory_install(void);
void so_memory_begin(void);
void so_memory_end(void);
long so_memory_bytes(void);
long so_memory_calls(void);
#endif
