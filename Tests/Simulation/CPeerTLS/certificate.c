/* The one certificate of all worlds. */
#define _GNU_SOURCE
#include "peertls.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int certificate_file = -1, key_file = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int file_of(BIO *pem, const char *name) {
  char *bytes;
  long count = BIO_get_mem_data(pem, &bytes);
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd >= 0 && write(fd, bytes, (size_t)count) != count) return -1;
  return fd;
}

static EVP_PKEY *make_key(void) {
  uint8_t bytes[32];
  for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(7 * i + 1);
  return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, sizeof bytes);
}

static X509 *make_certificate(EVP_PKEY *key) {
  X509 *certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20200101000000Z");
  ASN1_TIME_set_string(X509_getm_notAfter(certificate), "21200101000000Z");
  X509_set_pubkey(certificate, key);
  X509_NAME *name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"shop", -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION *hosts = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:shop.example");
  X509_add_ext(certificate, hosts, -1);
  X509_EXTENSION_free(hosts);
  X509_sign(certificate, key, NULL);
  return certificate;
}

static void make(void) {
  EVP_PKEY *key = make_key();
  X509 *certificate = key ? make_certificate(key) : NULL;
  BIO *pem = BIO_new(BIO_s_mem());
  if (certificate && PEM_write_bio_X509(pem, certificate)) certificate_file = file_of(pem, "certificate");
  BIO_reset(pem);
  if (key && PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL)) key_file = file_of(pem, "key");
  BIO_free(pem);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

int so_peer_certificate_file(void) {
  pthread_once(&once, make);
  return certificate_file;
}

int so_peer_key_file(void) {
  pthread_once(&once, make);
  return key_file;
}
