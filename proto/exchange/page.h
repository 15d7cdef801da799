/*
 * The signature of a page of changes and of a policy answer: ES256 by the
 * relay's request key over E("entente page v1", nation, replica, reader,
 * ask16, H(since), H(body), policy digest, time).
 *
 * It goes in the field `Entente-Page: time=<n>, policy=:<base64>:, sig=:<base64>:` (a dictionary
 * of RFC 9651, in exactly this form), for events and streams as members of
 * the page.  Reader is 32 bytes, a fixed member of E: the author key id of a
 * device, or a nation's three letters and 29 zero bytes.
 */
#ifndef PROTO_EXCHANGE_PAGE_H
#define PROTO_EXCHANGE_PAGE_H

#include "proto/crypto/crypto.h"

enum { PAGE_ASK_LEN = 16, PAGE_READER_LEN = 32 };

struct page_facts {
	struct replica replica;		 /* whose request key signs */
	uint8_t reader[PAGE_READER_LEN]; /* page_reader_... */
	uint8_t ask[PAGE_ASK_LEN];	 /* random bytes of the asker */
	struct span since; /* cursor text as asked; empty if none */
	struct span body;  /* the bytes of the answer */
	struct digest policy;
	uint64_t time; /* UTC seconds */
};

struct page_signature {
	uint64_t time;
	struct digest policy; /* in force at the relay when it answered */
	uint8_t sig[CRYPTO_SIG_P256_LEN];
};

/* The 32 bytes that name a reader. */
void page_reader_device(struct key_id author, uint8_t out[PAGE_READER_LEN]);
void page_reader_nation(struct nation nation, uint8_t out[PAGE_READER_LEN]);

/* The bytes that are signed. */
struct err page_base(const struct page_facts *facts, struct buf *out);
struct err page_sign(const struct crypto_key *key,
		     const struct page_facts *facts,
		     struct page_signature *out);
/* ERR_SIGNATURE if it does not verify; time and policy of `facts` are not
 * read, those of `signature` are. */
struct err page_check(const struct crypto_public *key,
		      const struct page_facts *facts,
		      const struct page_signature *signature);

/* The value of the field Entente-Page. */
void page_format(const struct page_signature *signature, struct buf *out);
struct err page_parse(struct span value, struct page_signature *out);

#endif
