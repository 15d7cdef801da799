/*
 * Whoever changes, drops or cuts off records of the audit behind the relay's
 * back is found by `entente audit verify`, which says where and exits 1.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/daemon/pad.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

static struct nation_daemon d;

static int start(void **state)
{
	struct pad alice;
	struct doc_id id;

	nation_daemon_new(&d, "GBR");
	nation_daemon_start(&d);
	nation_daemon_subject(&d, "alice", "gbr-restricted", "GBR/ops");
	pad_new(&alice, &d, "alice");
	must(pad_sync(&alice));
	for (int i = 0; i < 5; i++)
		must(pad_put(&alice, "GBR/ops", "restricted-rel-gbr", "note",
			     span_str("a note"), &id, NULL));
	pad_free(&alice);
	nation_daemon_stop(&d);
	return nation_daemon_shell(NULL, 20, "cp -a %s/store %s/kept", d.folder,
				   d.base);
}

static int stop(void **state)
{
	nation_daemon_free(&d);
	return 0;
}

enum harm { NONE, CHANGE, DROP, CUT };

/* On the record that stands `at` after the first, or before the end. */
static void harm_one(MDB_cursor *cursor, enum harm harm, int at)
{
	MDB_val key, value;
	uint8_t room[16384];

	assert_int_equal(mdb_cursor_get(cursor, &key, &value,
					harm == CUT ? MDB_LAST : MDB_FIRST),
			 0);
	for (int i = 0; harm != CUT && i < at; i++)
		assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_NEXT),
				 0);
	if (harm != CHANGE) {
		assert_int_equal(mdb_cursor_del(cursor, 0), 0);
		return;
	}
	assert_true(value.mv_size <= sizeof(room));
	memcpy(room, value.mv_data, value.mv_size);
	room[value.mv_size / 2] ^= 1;
	value.mv_data = room;
	assert_int_equal(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
}

/* What a process could do that writes the file and has no key. */
static void do_harm(enum harm harm, int at)
{
	char path[NATION_DAEMON_PATH + 32];
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	MDB_cursor *cursor = NULL;
	MDB_dbi dbi;

	snprintf(path, sizeof(path), "%s/store/records", d.folder);
	assert_int_equal(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 64);
	mdb_env_set_mapsize(env, (size_t)1 << 30);
	assert_int_equal(mdb_env_open(env, path, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "audit", 0, &dbi), 0);
	assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
	harm_one(cursor, harm, at);
	mdb_cursor_close(cursor);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static int verify(enum harm harm, int at, struct buf *said)
{
	int code;

	assert_int_equal(nation_daemon_shell(NULL, 20,
					     "rm -rf %s/store && cp -a "
					     "%s/kept %s/store",
					     d.folder, d.base, d.folder),
			 0);
	if (harm != NONE)
		do_harm(harm, at);
	nation_daemon_start(&d);
	buf_init(said, 1 << 20);
	code = nation_daemon_entente(&d, said,
				     "audit verify --folder @ --json");
	printf("exit %d: %s\n", code, buf_cstr(said));
	nation_daemon_stop(&d);
	return code;
}

static void a_whole_audit_is_sound(void **state)
{
	struct buf said;

	assert_int_equal(verify(NONE, 0, &said), 0);
	assert_non_null(strstr(buf_cstr(&said), "\"sound\":true"));
	buf_clear(&said);
}

static void a_changed_record_is_found(void **state)
{
	struct buf said;

	assert_int_equal(verify(CHANGE, 4, &said), 1);
	assert_non_null(strstr(buf_cstr(&said), "\"fault\":\"changed\""));
	assert_non_null(strstr(buf_cstr(&said), "\"number\":5"));
	buf_clear(&said);
}

static void a_dropped_record_is_found(void **state)
{
	struct buf said;

	assert_int_equal(verify(DROP, 4, &said), 1);
	assert_non_null(strstr(buf_cstr(&said), "\"fault\":\"dropped\""));
	assert_non_null(strstr(buf_cstr(&said), "\"number\":5"));
	buf_clear(&said);
}

static void a_record_cut_off_the_end_is_found(void **state)
{
	struct buf said;

	assert_int_equal(verify(CUT, 0, &said), 1);
	assert_non_null(strstr(buf_cstr(&said), "\"fault\":\"truncated\""));
	buf_clear(&said);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_audit_is_sound),
		cmocka_unit_test(a_changed_record_is_found),
		cmocka_unit_test(a_dropped_record_is_found),
		cmocka_unit_test(a_record_cut_off_the_end_is_found),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, start, stop);
}
