/* The table of domain strings. */
#include <assert.h>

#include "proto/crypto/domain.h"

static const char *const strings[DOMAIN_COUNT] = {
	[DOMAIN_ID] = "entente id v1",
	[DOMAIN_LEAF] = "entente leaf v1",
	[DOMAIN_SALTED_LEAF] = "entente salted leaf v1",
	[DOMAIN_GROUP] = "entente group v1",
	[DOMAIN_GROUP_SALT] = "entente group salt v1",
	[DOMAIN_GROUP_FILLER] = "entente group filler v1",
	[DOMAIN_GROUP_PLACE] = "entente group place v1",
	[DOMAIN_TICK] = "entente tick v1",
	[DOMAIN_AUDIT_HEAD] = "entente audit head v1",
	[DOMAIN_REPLICA] = "entente replica v1",
	[DOMAIN_ROOT] = "entente root v1",
	[DOMAIN_AUTHOR] = "entente author v1",
	[DOMAIN_ENROL] = "entente enrol v1",
	[DOMAIN_CHALLENGE] = "entente challenge v1",
	[DOMAIN_ENROL_PROOF] = "entente enrol proof v1",
	[DOMAIN_ENROL_REQUEST] = "entente enrol request v1",
	[DOMAIN_ENROL_ANSWER] = "entente enrol answer v1",
	[DOMAIN_TOKEN_REQUEST] = "entente token request v1",
	[DOMAIN_TOKEN_ANSWER] = "entente token answer v1",
	[DOMAIN_PEER_REQUEST] = "entente peer request v1",
	[DOMAIN_PEER_ANSWER] = "entente peer answer v1",
	[DOMAIN_INVITATION_REQUEST] = "entente invitation request v1",
	[DOMAIN_INVITATION_ANSWER] = "entente invitation answer v1",
	[DOMAIN_NONCE] = "entente nonce v1",
	[DOMAIN_PAGE] = "entente page v1",
	[DOMAIN_KEY] = "entente key v1",
	[DOMAIN_WRAP] = "entente wrap v1",
	[DOMAIN_COMMITMENT] = "entente commitment v1",
	[DOMAIN_SEGMENT_KEY] = "entente segment key v1",
	[DOMAIN_TITLE_KEY] = "entente title key v1",
	[DOMAIN_SEGMENT] = "entente segment v1",
	[DOMAIN_TITLE] = "entente title v1",
	[DOMAIN_TABLE] = "entente table v1",
	[DOMAIN_SLOT] = "entente slot v1",
	[DOMAIN_RING] = "entente ring v1",
	[DOMAIN_RECORD] = "entente record v1",
	[DOMAIN_CURSOR] = "entente cursor v1",
	[DOMAIN_REFERENCE] = "entente reference v1",
	[DOMAIN_AUDIT] = "entente audit v1",
	[DOMAIN_RECEIPT] = "entente receipt v1",
	[DOMAIN_SHELF] = "entente shelf v1",
	[DOMAIN_RING_KEY] = "entente ring key v1",
	[DOMAIN_ROOT_KEY] = "entente root key v1",
	[DOMAIN_START_FILE] = "entente start file v1",
	[DOMAIN_TOKEN_SECRET] = "entente token secret v1",
	[DOMAIN_DEVICE_STORE] = "entente device store v1",
	[DOMAIN_POLICY] = "entente policy v1",
	[DOMAIN_WITNESS] = "entente witness v1",
	[DOMAIN_STANDING_REFERENCE] = "entente standing reference v1",
	[DOMAIN_BACKUP] = "entente backup v1",
};

const char *domain_string(enum domain d)
{
	assert((unsigned)d < DOMAIN_COUNT && strings[d]);
	return strings[d];
}

void encode_domain(struct buf *b, enum domain d)
{
	buf_put_var(b, span_str(domain_string(d)));
}

void encode_time48(struct buf *b, uint64_t ms)
{
	buf_put_u16(b, (uint16_t)(ms >> 32));
	buf_put_u32(b, (uint32_t)ms);
}
