/* sha256 with what it was made of: a blob's digest and size. */
#ifndef DIGEST_H
#define DIGEST_H

/* The plain functions of libcrypto: no providers, no configuration file, nothing loaded at start. */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
	SHA256_CTX context;
	int64_t size;
};

void digest_init(struct digest *digest);
/* Fits a sink: `state` is the digest. */
void digest_take(void *state, const unsigned char *bytes, size_t length);
/* `sha256:` and 64 digits. */
#define DIGEST_TEXT_BYTES (7 + 64 + 1)
void digest_text(struct digest *digest, char text[DIGEST_TEXT_BYTES]);
/* {"digest":...,"size":...} as the value of `key`. */
void report_digest_field(const char *key, struct digest *digest);

#endif
