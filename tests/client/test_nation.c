/* `entente init`: a folder is made, and reads back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/files.h"
#include "client/nation.h"
#include "client/policy_default.h"
#include "client/system.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/keyfile.h"
#include "proto/document/replica.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char folder[64];

static int setup(void **state)
{
	strcpy(folder, "/tmp/entente-init-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct nation_order order_of(const struct nation_policy *policy)
{
	return (struct nation_order){
		.folder = folder,
		.nation = {"GBR"},
		.name = "localhost",
		.listen_device = "127.0.0.1:8443",
		.listen_peer = "127.0.0.1:8444",
		.listen_admin = "127.0.0.1:8445",
		.ceiling = "RESTRICTED",
		.policies = policy,
		.policies_count = 1,
		.passphrase = span_str("correct horse"),
		.scrypt_log2_n = 10,
		.clock = system_clock(),
		.random = system_random(),
	};
}

static const struct nation_policy policy = {"/somewhere/07-alliance.spif.xml",
					    {(const uint8_t *)"<spif/>", 7}};

static void make(void)
{
	struct nation_order order = order_of(&policy);
	const char *where = "";

	assert_int_equal(nation_make(&order, &where).code, 0);
}

static void file(const char *name, struct buf *out)
{
	char path[FILES_PATH_MAX];

	buf_init(out, 1 << 20);
	assert_int_equal(files_path(folder, name, path).code, 0);
	assert_int_equal(files_read(path, out).code, 0);
}

static void certificate(const char *name, struct buf *der)
{
	struct buf pem;

	file(name, &pem);
	buf_init(der, CERTIFICATE_MAX);
	assert_int_equal(certificate_from_pem(buf_span(&pem), der).code, 0);
	buf_clear(&pem);
}

static void the_start_file_holds_the_guards_keys(void **state)
{
	static const enum keyfile_key purposes[] = {KEYFILE_SEAL,
						    KEYFILE_GUARD_P256,
						    KEYFILE_GUARD_P384,
						    KEYFILE_REQUEST,
						    KEYFILE_DEVICE_CA};
	struct replica_certificate *replica = NULL;
	struct crypto_public *root = NULL;
	uint8_t root_key[KEYFILE_ROOT_LEN];
	struct keyfile_start start;
	struct buf bytes, spki, plain;

	make();
	file("keys/root.key", &bytes);
	assert_int_equal(keyfile_decode_root(buf_span(&bytes),
					     span_str("wrong"), root_key)
				 .code,
			 ERR_SEALED);
	assert_int_equal(keyfile_decode_root(buf_span(&bytes),
					     span_str("correct horse"),
					     root_key)
				 .code,
			 0);
	buf_clear(&bytes);
	file("keys/start", &bytes);
	buf_init(&plain, KEYFILE_START_FILE_MAX);
	assert_int_equal(keyfile_decode_start(buf_span(&bytes), root_key,
					      &plain, &start)
				 .code,
			 0);
	for (size_t i = 0; i < 5; i++) {
		struct crypto_key *key = NULL;

		assert_int_equal(
			keyfile_start_key(&start, purposes[i], &key).code, 0);
		crypto_key_free(key);
	}
	/* The certificate in it stands under the root that was written. */
	file("seal-root/root.spki", &spki);
	assert_int_equal(crypto_public_from_spki(buf_span(&spki), &root).code,
			 0);
	assert_int_equal(replica_decode(start.certificate, &replica).code, 0);
	assert_int_equal(
		replica_check(replica, root, start.replica.nation, 1).code, 0);
	assert_int_equal(replica->draft.replica.number, 1);
	replica_free(replica);
	crypto_public_free(root);
	keyfile_start_wipe(&start);
	buf_wipe(&plain);
	buf_clear(&bytes);
	buf_clear(&spki);
}

static void certificates_stand_under_the_ca_and_name_what_they_are(void **state)
{
	static const char *const roles[] = {"operator", "security-officer",
					    "auditor"};
	struct certificate_facts facts;
	struct clock clock = system_clock();
	uint64_t now = clock_s(&clock);
	struct arena arena;
	struct buf ca, der;

	make();
	arena_init(&arena, 1 << 20);
	certificate("tls/ca.pem", &ca);
	certificate("tls/server.pem", &der);
	assert_int_equal(certificate_check(buf_span(&der), buf_span(&ca),
					   CERTIFICATE_BOTH, now)
				 .code,
			 0);
	assert_int_equal(certificate_read(buf_span(&der), &arena, &facts).code,
			 0);
	assert_true(span_eq_str(facts.organization, "GBR"));
	buf_clear(&der);
	for (size_t i = 0; i < 3; i++) {
		char name[64];

		snprintf(name, sizeof(name), "operator/%s.pem", roles[i]);
		certificate(name, &der);
		assert_int_equal(certificate_check(buf_span(&der),
						   buf_span(&ca),
						   CERTIFICATE_CLIENT, now)
					 .code,
				 0);
		assert_int_equal(
			certificate_read(buf_span(&der), &arena, &facts).code,
			0);
		/* Never the nation: that would make an officer a peer. */
		assert_true(span_eq_str(facts.organization, roles[i]));
		assert_false(facts.server);
		buf_clear(&der);
	}
	arena_clear(&arena);
	buf_clear(&ca);
}

static void secrets_are_private_and_policies_are_in_order(void **state)
{
	static const char *const secrets[] = {"keys/root.key", "keys/start",
					      "tls/server.key",
					      "operator/operator.key",
					      "seal-root/root.key"};
	struct buf text;

	make();
	for (size_t i = 0; i < 5; i++) {
		char path[FILES_PATH_MAX];
		struct stat st;

		assert_int_equal(files_path(folder, secrets[i], path).code, 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
	}
	file("policy/00-alliance.spif.xml", &text);
	assert_true(span_eq_str(buf_span(&text), "<spif/>"));
	buf_clear(&text);
	file("entente.yaml", &text);
	assert_non_null(strstr(buf_cstr(&text), "nation: GBR\n"));
	buf_clear(&text);
}

static void a_second_init_changes_nothing(void **state)
{
	struct nation_order order = order_of(&policy);
	const char *where = "";
	struct buf before, after;

	make();
	file("keys/start", &before);
	assert_int_equal(nation_make(&order, &where).code, ERR_EXISTS);
	file("keys/start", &after);
	assert_true(span_eq(buf_span(&before), buf_span(&after)));
	buf_clear(&before);
	buf_clear(&after);
}

static void a_wrong_address_is_named_before_anything_is_made(void **state)
{
	struct nation_order order = order_of(&policy);
	const char *where = "";
	char path[FILES_PATH_MAX];

	order.listen_peer = "nowhere";
	assert_int_equal(nation_make(&order, &where).code, ERR_MALFORMED);
	assert_string_equal(where, "--listen-peer");
	assert_int_equal(files_path(folder, "keys", path).code, 0);
	assert_false(files_exist(path));
}

static void the_command_brings_two_policies(void **state)
{
	struct nation_policy list[NATION_POLICIES_MAX];

	assert_int_equal(policy_default(list), 2);
	assert_true(list[0].text.len > 1000 && list[1].text.len > 1000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_start_file_holds_the_guards_keys),
		T(certificates_stand_under_the_ca_and_name_what_they_are),
		T(secrets_are_private_and_policies_are_in_order),
		T(a_second_init_changes_nothing),
		T(a_wrong_address_is_named_before_anything_is_made),
		T(the_command_brings_two_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
