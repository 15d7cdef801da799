/* Invitations. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/invitation.h"
#include "tests/document/vector.h"

static struct invitation published(struct vector *v,
				   struct invitation_keys *keys)
{
	const struct json *row = vector_row(v, "invitation");
	uint8_t secret[INVITATION_SECRET_LEN];
	struct invitation i = {
		.inviting = {vector_nation("GBR"),
			     vector_digest(row, "inviting_root"),
			     vector_digest(row, "inviting_ca"),
			     vector_text(row, "inviting_endpoint")},
		.invited = {vector_nation("FRA"),
			    vector_digest(row, "invited_root"),
			    vector_digest(row, "invited_ca"),
			    vector_text(row, "invited_endpoint")},
	};

	vector_fixed(row, "id", i.id, sizeof(i.id));
	vector_fixed(row, "secret", secret, sizeof(secret));
	assert_ok(invitation_keys_derive(secret, i.id, keys));
	return i;
}

static void both_macs_are_the_published_ones(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "invitation");
	struct invitation_keys keys;
	struct invitation i = published(v, &keys);
	uint8_t m1[INVITATION_MAC_LEN], m2[INVITATION_MAC_LEN], want[32];

	vector_fixed(row, "request_key", want, 32);
	assert_memory_equal(keys.request, want, 32);
	vector_fixed(row, "answer_key", want, 32);
	assert_memory_equal(keys.answer, want, 32);
	assert_ok(invitation_request_mac(&keys, &i,
					 vector_bytes(v, row,
						      "invited_certificate"),
					 m1));
	vector_fixed(row, "m1", want, 32);
	assert_memory_equal(m1, want, 32);
	assert_ok(
		invitation_answer_mac(&keys, m1,
				      vector_bytes(v, vector_row(v, "replica"),
						   "blob"),
				      m2));
	vector_fixed(row, "m2", want, 32);
	assert_memory_equal(m2, want, 32);
	assert_ok(invitation_check_mac(m2, SPAN_OBJ(want)));
	assert_err(invitation_check_mac(m2, SPAN_OBJ(m1)), ERR_SIGNATURE);
	assert_err(invitation_check_mac(m2, span_of(m2, 16)), ERR_SIGNATURE);
}

static void every_member_moves_the_mac(void **state)
{
	struct vector *v = *state;
	struct invitation_keys keys;
	struct invitation base = published(v, &keys), i;
	struct span certificate = span_str("certificate");
	static char endless[INVITATION_ENDPOINT_MAX + 1];
	uint8_t m[INVITATION_MAC_LEN], other[INVITATION_MAC_LEN];

	assert_ok(invitation_request_mac(&keys, &base, certificate, m));
#define MOVES(change)                                                          \
	do {                                                                   \
		i = base;                                                      \
		change;                                                        \
		assert_ok(invitation_request_mac(&keys, &i, certificate,       \
						 other));                      \
		assert_memory_not_equal(m, other, sizeof(m));                  \
	} while (0)
	MOVES(i.id[0] ^= 1);
	MOVES(i.inviting = base.invited; i.invited = base.inviting);
	MOVES(i.inviting.nation = vector_nation("DEU"));
	MOVES(i.invited.nation = vector_nation("DEU"));
	MOVES(i.inviting.root.at[0] ^= 1);
	MOVES(i.invited.root.at[0] ^= 1);
	MOVES(i.inviting.ca.at[0] ^= 1);
	MOVES(i.invited.ca.at[0] ^= 1);
	MOVES(i.inviting.endpoint = span_str("other:1"));
	MOVES(i.invited.endpoint = span_str("other:1"));
#undef MOVES
	assert_ok(invitation_request_mac(&keys, &base, span_str("another"),
					 other));
	assert_memory_not_equal(m, other, sizeof(m));
	base.invited.endpoint = SPAN_OBJ(endless);
	assert_err(invitation_request_mac(&keys, &base, certificate, other),
		   ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_macs_are_the_published_ones),
		cmocka_unit_test(every_member_moves_the_mac),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
