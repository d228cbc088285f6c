#include "digest.h"

#include <stdio.h>

#include "report.h"

void digest_init(struct digest *digest)
{
	SHA256_Init(&digest->context);
	digest->size = 0;
}

void digest_take(void *state, const unsigned char *bytes, size_t length)
{
	struct digest *digest = state;
	SHA256_Update(&digest->context, bytes, length);
	digest->size += (int64_t)length;
}

void digest_text(struct digest *digest, char text[DIGEST_TEXT_BYTES])
{
	/* On a copy: one digest may be told twice. */
	SHA256_CTX context = digest->context;
	unsigned char sum[SHA256_DIGEST_LENGTH];
	SHA256_Final(sum, &context);
	char *p = text + sprintf(text, "sha256:");
	for (size_t i = 0; i < sizeof sum; i++)
		p += sprintf(p, "%02x", sum[i]);
}

void report_digest_field(const char *key, struct digest *digest)
{
	char text[DIGEST_TEXT_BYTES];
	digest_text(digest, text);
	report_key(key);
	report_open('{');
	report_text_field("digest", text);
	report_integer_field("size", digest->size);
	report_close('}');
}
