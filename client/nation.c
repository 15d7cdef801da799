/* A nation's authorities and one relay's folder. */
#include "client/nation.h"

#include "client/files.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/keyfile.h"
#include "proto/document/replica.h"
#include "proto/exchange/enrol.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	DAY_S = 24 * 3600,
	CA_DAYS = 3650,
	SERVER_DAYS = 730,
	OFFICER_DAYS = 365,
	REPLICA_DAYS = 730,
	BACKDATE_S = 300, /* clocks of devices may be behind */
};

/* Everything on its way; secrets are wiped by maker_clear. */
struct maker {
	const struct nation_order *order;
	uint64_t now_s;
	struct crypto_key *ca, *seal_root, *seal, *guard256, *guard384,
		*request, *recovery;
	struct buf ca_der;
	struct buf replica;
	uint8_t root_key[KEYFILE_ROOT_LEN];
};

static void maker_clear(struct maker *m)
{
	crypto_key_free(m->ca);
	crypto_key_free(m->seal_root);
	crypto_key_free(m->seal);
	crypto_key_free(m->guard256);
	crypto_key_free(m->guard384);
	crypto_key_free(m->request);
	crypto_key_free(m->recovery);
	buf_clear(&m->ca_der);
	buf_clear(&m->replica);
	wipe(m->root_key, sizeof(m->root_key));
}

static struct err put_file(struct maker *m, const char *name, struct span bytes,
			   unsigned mode)
{
	char path[FILES_PATH_MAX];
	struct err e = files_path(m->order->folder, name, path);

	return failed(e) ? e : files_write(path, bytes, mode);
}

static struct err put_key(struct maker *m, const char *name,
			  const struct crypto_key *key)
{
	struct buf pem;
	struct err e;

	buf_init(&pem, CERTIFICATE_PEM_MAX);
	e = certificate_key_to_pem(key, &pem);
	if (!failed(e))
		e = put_file(m, name, buf_span(&pem), 0600);
	buf_wipe(&pem);
	return e;
}

/* The certificate, and behind it the CA: a peer's first contact pins the CA
 * by its digest and finds it in the chain. */
static struct err put_chain(struct maker *m, const char *name, struct span der,
			    bool with_ca)
{
	struct buf pem;
	struct err e;

	buf_init(&pem, CERTIFICATE_PEM_MAX);
	e = certificate_to_pem(der, &pem);
	if (!failed(e) && with_ca)
		e = certificate_to_pem(buf_span(&m->ca_der), &pem);
	if (!failed(e))
		e = put_file(m, name, buf_span(&pem), 0644);
	buf_clear(&pem);
	return e;
}

static struct err order_init(struct maker *m, const char *common_name,
			     struct span organization, unsigned days,
			     struct certificate_order *out)
{
	*out = (struct certificate_order){
		.purpose = CERTIFICATE_CLIENT,
		.common_name = span_str(common_name),
		.organization = organization,
		.not_before = m->now_s - BACKDATE_S,
		.not_after = m->now_s + (uint64_t)days * DAY_S,
	};
	return random_fill(&m->order->random, out->serial, sizeof(out->serial));
}

static struct err make_ca(struct maker *m)
{
	struct certificate_order order;
	struct buf pem;
	char name[64];
	struct err e;

	snprintf(name, sizeof(name), "Entente CA of %.3s",
		 m->order->nation.code);
	e = crypto_key_generate(CRYPTO_P256, &m->ca);
	if (!failed(e))
		e = order_init(m, name,
			       span_of(m->order->nation.code, NATION_LEN),
			       CA_DAYS, &order);
	if (!failed(e))
		e = certificate_make_ca(m->ca, &order, &m->ca_der);
	buf_init(&pem, CERTIFICATE_PEM_MAX);
	if (!failed(e))
		e = certificate_to_pem(buf_span(&m->ca_der), &pem);
	if (!failed(e))
		e = put_file(m, "tls/ca.pem", buf_span(&pem), 0644);
	/* Once more, so that the officers' folder can be carried away. */
	if (!failed(e))
		e = put_file(m, "operator/ca.pem", buf_span(&pem), 0644);
	buf_clear(&pem);
	return e;
}

/* One end entity: its key and certificate into two files. */
static struct err make_end(struct maker *m, const char *file,
			   const struct certificate_order *order, bool with_ca)
{
	char name[128];
	struct crypto_key *key = NULL;
	struct buf der;
	struct err e;

	buf_init(&der, CERTIFICATE_MAX);
	e = crypto_key_generate(CRYPTO_P256, &key);
	if (!failed(e))
		e = certificate_issue(m->ca, buf_span(&m->ca_der),
				      crypto_public_spki(
					      crypto_key_public(key)),
				      order, &der);
	snprintf(name, sizeof(name), "%s.key", file);
	if (!failed(e))
		e = put_key(m, name, key);
	snprintf(name, sizeof(name), "%s.pem", file);
	if (!failed(e))
		e = put_chain(m, name, buf_span(&der), with_ca);
	crypto_key_free(key);
	buf_clear(&der);
	return e;
}

static struct err make_officers(struct maker *m)
{
	static const char *const roles[] = {"operator", "security-officer",
					    "auditor"};
	struct err e = ERR_NONE;

	for (size_t i = 0; i < 3 && !failed(e); i++) {
		struct certificate_order order;
		char file[64];

		snprintf(file, sizeof(file), "operator/%s", roles[i]);
		e = order_init(m, roles[i], span_str(roles[i]), OFFICER_DAYS,
			       &order);
		if (!failed(e))
			e = make_end(m, file, &order, false);
	}
	return e;
}

/* The host of "host:port", without brackets; false for a wildcard. */
static bool host_of(const char *address, char out[NATION_TEXT_MAX + 1])
{
	const char *colon = address ? strrchr(address, ':') : NULL;
	size_t len = colon ? (size_t)(colon - address) : 0;

	if (len > 1 && address[0] == '[') {
		address++;
		len -= 2;
	}
	if (len == 0 || len > NATION_TEXT_MAX)
		return false;
	memcpy(out, address, len);
	out[len] = 0;
	return strcmp(out, "0.0.0.0") != 0 && strcmp(out, "::") != 0;
}

static struct err make_server(struct maker *m)
{
	const struct nation_order *o = m->order;
	const char *const from[] = {o->endpoint, o->peer_endpoint,
				    o->listen_device, o->listen_peer,
				    o->listen_admin};
	char hosts[6][NATION_TEXT_MAX + 1];
	const char *names[6];
	struct certificate_order order;
	size_t count = 1;
	struct err e =
		order_init(m, o->name, span_of(o->nation.code, NATION_LEN),
			   SERVER_DAYS, &order);

	snprintf(hosts[0], sizeof(hosts[0]), "%s", o->name);
	names[0] = hosts[0];
	for (size_t i = 0; i < 5; i++) {
		bool known = !host_of(from[i], hosts[count]);

		for (size_t k = 0; k < count && !known; k++)
			known = strcmp(hosts[k], hosts[count]) == 0;
		if (!known) {
			names[count] = hosts[count];
			count++;
		}
	}
	order.purpose = CERTIFICATE_BOTH;
	order.alt_names = names;
	order.alt_count = count;
	return failed(e) ? e : make_end(m, "tls/server", &order, true);
}

static struct err make_guard_keys(struct maker *m)
{
	struct replica_draft draft = {
		.replica = {m->order->nation, 1},
		.issue = 1,
		.from = m->now_s - BACKDATE_S,
		.to = m->now_s + (uint64_t)REPLICA_DAYS * DAY_S,
	};
	struct err e = crypto_key_generate(CRYPTO_P384, &m->seal_root);

	if (!failed(e))
		e = crypto_key_generate(CRYPTO_P384, &m->seal);
	if (!failed(e))
		e = crypto_key_generate(CRYPTO_P256, &m->guard256);
	if (!failed(e))
		e = crypto_key_generate(CRYPTO_P384, &m->guard384);
	if (!failed(e))
		e = crypto_key_generate(CRYPTO_P256, &m->request);
	if (failed(e))
		return e;
	draft.root = crypto_public_id(crypto_key_public(m->seal_root));
	draft.seal = crypto_key_public(m->seal);
	draft.guard_p256 = crypto_key_public(m->guard256);
	draft.guard_p384 = crypto_key_public(m->guard384);
	draft.request = crypto_key_public(m->request);
	e = replica_sign(m->seal_root, &draft, &m->replica);
	if (!failed(e))
		e = put_key(m, "seal-root/root.key", m->seal_root);
	/* The public half stays with the relay. */
	if (!failed(e))
		e = put_file(m, "tls/root.spki",
			     crypto_public_spki(
				     crypto_key_public(m->seal_root)),
			     0644);
	if (!failed(e))
		e = put_file(m, "seal-root/root.spki",
			     crypto_public_spki(
				     crypto_key_public(m->seal_root)),
			     0644);
	/* The public part stays with the relay when the folder goes. */
	if (!failed(e))
		e = put_file(m, "tls/root.spki",
			     crypto_public_spki(
				     crypto_key_public(m->seal_root)),
			     0644);
	return e;
}

/* Backups are sealed to it; its private half is for the day of need. */
static struct err make_recovery(struct maker *m)
{
	struct err e = crypto_key_generate(CRYPTO_P384, &m->recovery);

	if (!failed(e))
		e = put_key(m, "recovery/recovery.key", m->recovery);
	if (!failed(e))
		e = put_file(m, "keys/recovery.spki",
			     crypto_public_spki(crypto_key_public(m->recovery)),
			     0644);
	return e;
}

static struct err make_root_key(struct maker *m)
{
	const struct nation_order *o = m->order;
	uint8_t salt[KEYFILE_SALT_LEN], nonce[CRYPTO_NONCE_LEN];
	struct buf file;
	struct err e =
		random_fill(&o->random, m->root_key, sizeof(m->root_key));

	buf_init(&file, KEYFILE_ROOT_FILE_MAX);
	if (!failed(e))
		e = random_fill(&o->random, salt, sizeof(salt));
	if (!failed(e))
		e = random_fill(&o->random, nonce, sizeof(nonce));
	if (!failed(e))
		e = keyfile_encode_root(o->passphrase,
					o->scrypt_log2_n ? o->scrypt_log2_n
							 : KEYFILE_LOG2_N,
					salt, nonce, m->root_key, &file);
	if (!failed(e))
		e = put_file(m, "keys/root.key", buf_span(&file), 0600);
	buf_clear(&file);
	return e;
}

static struct err make_start(struct maker *m)
{
	const struct {
		enum keyfile_key purpose;
		const struct crypto_key *key;
	} keys[] = {
		{KEYFILE_SEAL, m->seal},
		{KEYFILE_GUARD_P256, m->guard256},
		{KEYFILE_GUARD_P384, m->guard384},
		{KEYFILE_REQUEST, m->request},
		{KEYFILE_DEVICE_CA, m->ca},
	};
	struct keyfile_start start = {
		.replica = {m->order->nation, 1},
		.certificate = buf_span(&m->replica),
		.ca = buf_span(&m->ca_der),
	};
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct buf file;
	struct err e = random_fill(&m->order->random, nonce, sizeof(nonce));

	buf_init(&file, KEYFILE_START_FILE_MAX);
	memcpy(start.root_id.at,
	       crypto_public_id(crypto_key_public(m->seal_root)).at,
	       DIGEST_LEN);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!failed(e))
			e = keyfile_start_add(&start, keys[i].purpose,
					      keys[i].key);
	if (!failed(e))
		e = keyfile_encode_start(m->root_key, nonce, &start, &file);
	if (!failed(e))
		e = put_file(m, "keys/start", buf_span(&file), 0600);
	keyfile_start_wipe(&start);
	buf_wipe(&file);
	return e;
}

/* The name without folders, kept to letters that a file name may have. */
static struct err make_policies(struct maker *m)
{
	struct err e = ERR_NONE;

	for (size_t i = 0; i < m->order->policies_count && !failed(e); i++) {
		const char *name = m->order->policies[i].name;
		const char *slash = strrchr(name, '/');
		char file[512];
		bool spif;

		name = slash ? slash + 1 : name;
		/* "00-x" stays one "00-x" when a folder is made from another's
		 * files. */
		if (name[0] >= '0' && name[0] <= '9' && name[1] >= '0' &&
		    name[1] <= '9' && name[2] == '-')
			name += 3;
		spif = strlen(name) > 9 &&
		       strcmp(name + strlen(name) - 9, ".spif.xml") == 0;
		snprintf(file, sizeof(file), "policy/%02zu-%.200s%s", i, name,
			 spif ? "" : ".spif.xml");
		e = put_file(m, file, m->order->policies[i].text, 0644);
	}
	return e;
}

/* A text as a double-quoted YAML scalar; refuses what would need escapes. */
static bool yaml_safe(const char *text)
{
	for (; text && *text; text++)
		if ((unsigned char)*text < 0x20 || *text == '"' ||
		    *text == '\\')
			return false;
	return true;
}

static struct err make_config(struct maker *m)
{
	const struct nation_order *o = m->order;
	struct buf text;
	struct err e;

	if (!yaml_safe(o->name) || !yaml_safe(o->ceiling) ||
	    !yaml_safe(o->listen_device) || !yaml_safe(o->listen_peer) ||
	    !yaml_safe(o->listen_admin) || !yaml_safe(o->endpoint) ||
	    !yaml_safe(o->peer_endpoint))
		return err_make(
			ERR_MALFORMED,
			"no quotes or backslashes in the configuration");
	buf_init(&text, 64 * 1024);
	buf_printf(&text,
		   "# A relay of Entente; docs/OPERATING.md.\n"
		   "nation: %.3s\nname: \"%s\"\n"
		   "listen:\n  device: \"%s\"\n  peer: \"%s\"\n"
		   "  admin: \"%s\"\n",
		   o->nation.code, o->name, o->listen_device, o->listen_peer,
		   o->listen_admin);
	buf_printf(&text,
		   "endpoint: \"%s\"\npeer_endpoint: \"%s\"\n"
		   "ceiling: \"%s\"\nquota_bytes: %llu\n",
		   o->endpoint, o->peer_endpoint, o->ceiling,
		   (unsigned long long)o->quota_bytes);
	if (o->fronts)
		buf_printf(&text, "fronts: %u\n", o->fronts);
	e = buf_check(&text);
	if (!failed(e))
		e = put_file(m, "entente.yaml", buf_span(&text), 0644);
	buf_clear(&text);
	return e;
}

static struct err make_folders(struct maker *m)
{
	static const char *const names[] = {"keys",	 "tls",
					    "policy",	 "operator",
					    "seal-root", "recovery"};
	char path[FILES_PATH_MAX];
	struct err e = ERR_NONE;

	for (size_t i = 0; i < 6 && !failed(e); i++) {
		e = files_path(m->order->folder, names[i], path);
		if (!failed(e))
			e = files_make_folder(path);
	}
	return e;
}

static struct err check(struct nation_order *o, const char **where)
{
	const struct {
		const char *option, *value;
	} addresses[] = {
		{"--listen-device", o->listen_device},
		{"--listen-peer", o->listen_peer},
		{"--listen-admin", o->listen_admin},
		{"--endpoint", o->endpoint},
		{"--peer-endpoint", o->peer_endpoint},
	};
	char path[FILES_PATH_MAX];
	struct err e;

	for (size_t i = 0; i < 5; i++) {
		e = enrol_endpoint_check(span_str(addresses[i].value));
		if (failed(e)) {
			*where = addresses[i].option;
			return e;
		}
	}
	*where = o->folder;
	if (o->passphrase.len == 0)
		return err_make(ERR_USAGE, "the root key needs a passphrase");
	if (o->policies_count == 0)
		return err_make(ERR_USAGE, "a relay needs a policy");
	e = files_path(o->folder, "entente.yaml", path);
	if (!failed(e) && files_exist(path))
		e = err_make(ERR_EXISTS, "a relay's folder already");
	if (!failed(e))
		e = files_path(o->folder, "keys/root.key", path);
	if (!failed(e) && files_exist(path))
		e = err_make(ERR_EXISTS, "a relay's root key is here already");
	return e;
}

/* "name:port" of the listener, where no endpoint was given. */
static const char *endpoint_or(const char *given, const char *name,
			       const char *listen,
			       char out[NATION_TEXT_MAX + 1])
{
	const char *colon = listen ? strrchr(listen, ':') : NULL;

	if (given)
		return given;
	snprintf(out, NATION_TEXT_MAX + 1, "%.200s%s", name,
		 colon ? colon : "");
	return out;
}

struct err nation_make(const struct nation_order *order, const char **where)
{
	struct nation_order full = *order;
	char device[NATION_TEXT_MAX + 1], peer[NATION_TEXT_MAX + 1];
	struct maker m = {
		.order = &full,
		.now_s = clock_s(&order->clock),
	};
	struct err e;

	buf_init(&m.ca_der, CERTIFICATE_MAX);
	buf_init(&m.replica, REPLICA_BLOB_MAX);
	full.endpoint = endpoint_or(order->endpoint, order->name,
				    order->listen_device, device);
	full.peer_endpoint = endpoint_or(order->peer_endpoint, order->name,
					 order->listen_peer, peer);
	e = check(&full, where);
	if (!failed(e))
		e = make_folders(&m);
	if (!failed(e))
		e = make_ca(&m);
	if (!failed(e))
		e = make_server(&m);
	if (!failed(e))
		e = make_officers(&m);
	if (!failed(e))
		e = make_guard_keys(&m);
	if (!failed(e))
		e = make_root_key(&m);
	if (!failed(e))
		e = make_recovery(&m);
	if (!failed(e))
		e = make_start(&m);
	if (!failed(e))
		e = make_policies(&m);
	/* Last: what says that a relay is here. */
	if (!failed(e))
		e = make_config(&m);
	maker_clear(&m);
	return e;
}
