/*
 * The root key file as it stands; and what is inside a start file and a ring
 * file, sealed by the target, since nothing else reaches those decoders.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/crypto/domain.h"
#include "proto/crypto/keyfile.h"
#include "storage/ring_state.h"

enum { CAP = 1 << 20, LOG2_N_AT = 8, FORMAT = 1, DEAREST = 12 };

static const uint8_t root_key[CRYPTO_KEY_LEN] = {1};
static const uint8_t nonce[CRYPTO_NONCE_LEN] = {2};

static void make_start(struct keyfile_start *start)
{
	*start = (struct keyfile_start){
		.replica = {{{'G', 'B', 'R'}}, 1},
		.certificate = span_str("certificate"),
		.ca = span_str("ca"),
	};
	fuzz_ok(keyfile_start_add(start, KEYFILE_SEAL, fuzz_key(CRYPTO_P384)));
	fuzz_ok(keyfile_start_add(start, KEYFILE_REQUEST,
				  fuzz_key(CRYPTO_P256)));
}

static struct err fill(void *self, void *out, size_t len)
{
	memset(out, 3, len);
	return ERR_NONE;
}

/* The plaintext of a sealed file: opened here, so that mutation meets it. */
static void seed_inside(struct span aad, struct span sealed)
{
	struct buf plain;

	buf_init(&plain, CAP);
	fuzz_ok(crypto_gcm_open(root_key, nonce, aad, sealed,
				buf_grow(&plain, sealed.len - CRYPTO_TAG_LEN)));
	fuzz_seed(buf_span(&plain));
	buf_clear(&plain);
}

static void ring_aad(struct buf *aad, const struct ring_state *s)
{
	encode_domain(aad, DOMAIN_RING);
	buf_put(aad, SPAN_OBJ(s->store_id));
	buf_put_u64(aad, s->generation);
	buf_put(aad, SPAN_OBJ(s->ring_key.at));
}

void fuzz_seeds(void)
{
	static const uint8_t salt[KEYFILE_SALT_LEN];
	const struct random random = {fill, NULL};
	struct keyfile_start start;
	struct ring_state *state, *more;
	struct buf b, aad;

	buf_init(&b, CAP);
	buf_init(&aad, 256);
	fuzz_ok(keyfile_encode_root(span_str("pass"), 10, salt, nonce, root_key,
				    &b));
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	make_start(&start);
	fuzz_ok(keyfile_encode_start(root_key, nonce, &start, &b));
	encode_domain(&aad, DOMAIN_START_FILE);
	seed_inside(buf_span(&aad),
		    span_sub(buf_span(&b), 8 + CRYPTO_NONCE_LEN, SIZE_MAX));
	buf_reset(&b);
	buf_reset(&aad);
	fuzz_ok(ring_state_new(&state));
	fuzz_ok(ring_state_copy(state, 3, &more));
	fuzz_ok(ring_state_rotate(more, &random, RING_CURSOR));
	fuzz_ok(ring_state_add_slots(more, &random, 3));
	ring_aad(&aad, more);
	fuzz_ok(ring_state_seal(more, root_key, nonce, &b));
	seed_inside(buf_span(&aad),
		    span_sub(buf_span(&b), RING_HEAD_LEN, SIZE_MAX));
	ring_state_free(state);
	ring_state_free(more);
	buf_clear(&b);
	buf_clear(&aad);
}

static void put_sealed(struct buf *out, struct span aad, struct span plain)
{
	uint8_t *at;

	buf_put(out, SPAN_OBJ(nonce));
	at = buf_grow(out, plain.len + CRYPTO_TAG_LEN);
	fuzz_ok(buf_check(out));
	fuzz_ok(crypto_gcm_seal(root_key, nonce, aad, plain, at));
}

static void start_file(struct span inside)
{
	struct buf file, aad, plain, again;
	struct keyfile_start start;
	struct crypto_key *key;

	buf_init(&file, CAP);
	buf_init(&aad, 256);
	buf_init(&plain, CAP);
	buf_init(&again, CAP);
	encode_domain(&aad, DOMAIN_START_FILE);
	buf_put_str(&file, "ENTSTRT");
	buf_put_u8(&file, 1);
	put_sealed(&file, buf_span(&aad), inside);
	if (!failed(keyfile_decode_start(buf_span(&file), root_key, &plain,
					 &start))) {
		if (!failed(keyfile_encode_start(root_key, nonce, &start,
						 &again)))
			fuzz_check(fuzz_same(&again, &file));
		if (!failed(keyfile_start_key(&start, KEYFILE_SEAL, &key)))
			crypto_key_free(key);
	}
	buf_clear(&file);
	buf_clear(&aad);
	buf_clear(&plain);
	buf_clear(&again);
}

static void ring_file(struct span inside)
{
	struct buf file, aad, again;
	struct ring_state *state;

	buf_init(&file, 2 * CAP);
	buf_init(&again, 2 * CAP);
	buf_init(&aad, 256);
	fuzz_ok(ring_state_new(&state));
	ring_aad(&aad, state);
	buf_put_u32(&file, FORMAT);
	buf_put(&file, SPAN_OBJ(state->store_id));
	buf_put_u64(&file, state->generation);
	buf_put(&file, SPAN_OBJ(state->ring_key.at));
	put_sealed(&file, buf_span(&aad), inside);
	fuzz_ok(ring_state_read_head(buf_span(&file), state));
	if (!failed(ring_state_open(buf_span(&file), root_key, state))) {
		fuzz_ok(ring_state_seal(state, root_key, nonce, &again));
		fuzz_check(fuzz_same(&again, &file));
	}
	ring_state_free(state);
	buf_clear(&file);
	buf_clear(&again);
	buf_clear(&aad);
}

void fuzz_input(struct span bytes)
{
	uint8_t opened[KEYFILE_ROOT_LEN];
	struct ring_state *state;

	/* Costs that a file may ask for are seconds here. */
	if (bytes.len <= LOG2_N_AT || bytes.at[LOG2_N_AT] <= DEAREST ||
	    bytes.at[LOG2_N_AT] > KEYFILE_LOG2_N_MAX)
		(void)!failed(
			keyfile_decode_root(bytes, span_str("pass"), opened));
	start_file(bytes);
	ring_file(bytes);
	fuzz_ok(ring_state_new(&state));
	if (!failed(ring_state_read_head(bytes, state)))
		fuzz_check(failed(ring_state_open(bytes, root_key, state)));
	ring_state_free(state);
}
