/* What stands in certificates and keys. */
#include "ctls.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* Copies an ASN.1 string that holds no NUL. Returns its length, or -1. */
static int copy_name(const ASN1_STRING *text, char *out, size_t capacity) {
  int n = ASN1_STRING_length(text);
  const unsigned char *p = ASN1_STRING_get0_data(text);
  if (n <= 0 || (size_t)n >= capacity || memchr(p, 0, (size_t)n)) return -1;
  memcpy(out, p, (size_t)n);
  out[n] = 0;
  return n;
}

static int common_name(X509 *certificate, char *out, size_t capacity) {
  X509_NAME *subject = X509_get_subject_name(certificate);
  int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (place < 0) return -1;
  return copy_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)), out, capacity);
}

int so_tls_host_name(X509 *certificate, int index, char *out, size_t capacity) {
  GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  int result = -1, seen = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && result < 0; i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    int n = copy_name(name->d.dNSName, out, capacity);
    if (n < 0) continue;
    if (seen == index) result = n;
    seen++;
  }
  GENERAL_NAMES_free(names);
  if (seen == 0 && index == 0) return common_name(certificate, out, capacity);
  return result;
}

int so_tls_subject(X509 *certificate, char *out, size_t capacity) {
  if (capacity == 0) return 0;
  BIO *text = BIO_new(BIO_s_mem());
  int n = 0;
  if (text && X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0)
    n = BIO_read(text, out, (int)capacity - 1);
  if (n < 0) n = 0;
  out[n] = 0;
  BIO_free(text);
  return n;
}

int so_tls_day(const ASN1_TIME *time, char *out, size_t capacity) {
  struct tm t;
  if (!ASN1_TIME_to_tm(time, &t)) return 0;
  return snprintf(out, capacity, "%04d-%02d-%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
}

typedef struct {
  const char *passphrase;
  int asked;
} answer;

static int give_passphrase(char *out, int capacity, int writing, void *argument) {
  (void)writing;
  answer *a = argument;
  a->asked = 1;
  /* OpenSSL's own answer would be to ask on the terminal. */
  if (!a->passphrase) return -1;
  size_t n = strlen(a->passphrase);
  if (n > (size_t)capacity) return -1;
  memcpy(out, a->passphrase, n);
  return (int)n;
}

EVP_PKEY *so_tls_read_key(const uint8_t *pem, size_t count, const char *passphrase, int *encrypted) {
  answer a = {passphrase, 0};
  BIO *bytes = BIO_new_mem_buf(pem, (int)count);
  EVP_PKEY *key = bytes ? PEM_read_bio_PrivateKey(bytes, NULL, give_passphrase, &a) : NULL;
  BIO_free(bytes);
  *encrypted = a.asked;
  return key;
}

int so_tls_add_to_chain(SSL_CTX *ctx, X509 *certificate) { return (int)SSL_CTX_add1_chain_cert(ctx, certificate); }
