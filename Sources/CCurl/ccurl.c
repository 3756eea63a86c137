#include "ccurl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct so_curl {
    void *library;
    CURL *handle;
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    void (*cleanup)(CURL *);
    void (*reset)(CURL *);
    const char *(*text)(CURLcode);
    struct curl_slist *(*append)(struct curl_slist *, const char *);
    void (*free_list)(struct curl_slist *);
};

const char *so_curl_body(const so_curl_answer *answer) { return answer->body; }
const char *so_curl_error(const so_curl_answer *answer) { return answer->error; }

so_curl *so_curl_open(char *reason, size_t room) {
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(reason, room, "libcurl is not installed (%s)", dlerror());
        return NULL;
    }
    so_curl *client = calloc(1, sizeof *client);
    CURLcode (*start)(long) = (CURLcode (*)(long))dlsym(library, "curl_global_init");
    CURL *(*make)(void) = (CURL * (*)(void)) dlsym(library, "curl_easy_init");
    if (client) {
        client->library = library;
        client->setopt = (CURLcode (*)(CURL *, CURLoption, ...))dlsym(library, "curl_easy_setopt");
        client->perform = (CURLcode (*)(CURL *))dlsym(library, "curl_easy_perform");
        client->getinfo = (CURLcode (*)(CURL *, CURLINFO, ...))dlsym(library, "curl_easy_getinfo");
        client->cleanup = (void (*)(CURL *))dlsym(library, "curl_easy_cleanup");
        client->reset = (void (*)(CURL *))dlsym(library, "curl_easy_reset");
        client->text = (const char *(*)(CURLcode))dlsym(library, "curl_easy_strerror");
        client->append = (struct curl_slist * (*)(struct curl_slist *, const char *)) dlsym(library, "curl_slist_append");
        client->free_list = (void (*)(struct curl_slist *))dlsym(library, "curl_slist_free_all");
        if (start && make && client->setopt && client->perform && client->getinfo && client->cleanup && client->reset && client->text &&
            client->append && client->free_list && start(CURL_GLOBAL_DEFAULT) == CURLE_OK && (client->handle = make()))
            return client;
        free(client);
    }
    snprintf(reason, room, "libcurl cannot be used");
    dlclose(library);
    return NULL;
}

void so_curl_close(so_curl *client) {
    client->cleanup(client->handle);
    // The library stays: its own threads may still be ending.
    free(client);
}

static size_t keep(char *bytes, size_t size, size_t count, void *context) {
    so_curl_answer *answer = context;
    size_t length = size * count, room = sizeof answer->body - answer->body_length;
    memcpy(answer->body + answer->body_length, bytes, length < room ? length : room);
    answer->body_length += length < room ? length : room;
    return length;
}

void so_curl_post(
    so_curl *client, const char *url, const char *const *headers, int header_count, const void *body, size_t length,
    long timeout_milliseconds, const char *authorities, const char *certificate, const char *key, so_curl_answer *answer) {
    struct curl_slist *list = NULL;
    for (int i = 0; i < header_count; i++) {
        struct curl_slist *longer = client->append(list, headers[i]);
        if (longer) list = longer;
    }
    CURL *handle = client->handle;
    // Forgets the options of the last request, keeps its connection.
    client->reset(handle);
    answer->status = answer->retry_after = 0;
    answer->body_length = 0;
    answer->error[0] = 0;
    client->setopt(handle, CURLOPT_URL, url);
    client->setopt(handle, CURLOPT_NOSIGNAL, 1L);
    client->setopt(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    client->setopt(handle, CURLOPT_TIMEOUT_MS, timeout_milliseconds);
    client->setopt(handle, CURLOPT_POST, 1L);
    client->setopt(handle, CURLOPT_POSTFIELDS, body);
    client->setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    client->setopt(handle, CURLOPT_HTTPHEADER, list);
    client->setopt(handle, CURLOPT_WRITEFUNCTION, keep);
    client->setopt(handle, CURLOPT_WRITEDATA, answer);
    if (authorities) client->setopt(handle, CURLOPT_CAINFO, authorities);
    if (certificate) client->setopt(handle, CURLOPT_SSLCERT, certificate);
    if (key) client->setopt(handle, CURLOPT_SSLKEY, key);
    CURLcode code = client->perform(handle);
    if (code == CURLE_OK) {
        client->getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
        curl_off_t wait = 0;
        if (client->getinfo(handle, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK) answer->retry_after = (long)wait;
    } else {
        snprintf(answer->error, sizeof answer->error, "%s", client->text(code));
    }
    client->free_list(list);
}
