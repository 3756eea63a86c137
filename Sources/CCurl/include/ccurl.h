// libcurl, as far as the exporter needs it: opened when it is first used, so that a program that exports nothing neither loads it nor
// needs it installed.
#pragma once
#include <stddef.h>

typedef struct {
    /// The status of the answer; 0 when there was none.
    long status;
    /// Seconds that the answer's Retry-After asks for; 0 for none.
    long retry_after;
    /// The answer's body, cut after its room.
    size_t body_length;
    char body[8192];
    /// Why there was no answer.
    char error[256];
} so_curl_answer;

// The arrays, as Swift sees them.
const char *so_curl_body(const so_curl_answer *answer);
const char *so_curl_error(const so_curl_answer *answer);

typedef struct so_curl so_curl;

/// A client that keeps its connection. Null, with the reason, when libcurl is not installed.
so_curl *so_curl_open(char *reason, size_t room);
void so_curl_close(so_curl *client);

/// Sends one POST and waits for its answer. `certificate`, `key`, `authorities`: PEM files, or null.
void so_curl_post(
    so_curl *client, const char *url, const char *const *headers, int header_count, const void *body, size_t length,
    long timeout_milliseconds, const char *authorities, const char *certificate, const char *key, so_curl_answer *answer);
