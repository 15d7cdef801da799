/* `entente init FOLDER`: a relay's folder and its nation's authorities. */
#include "client/cmd_init.h"

#include "client/cli.h"
#include "client/nation.h"
#include "client/policy_default.h"
#include "client/system.h"
#include "proto/exchange/http.h"

#include <stdio.h>

/* The files of --policy, or those inside the command. */
static bool read_policies(struct cli *c, struct nation_order *order,
			  struct nation_policy *list, struct buf *texts,
			  int *code)
{
	const char *paths[NATION_POLICIES_MAX];
	size_t n = cli_options(c, "policy", paths, NATION_POLICIES_MAX);

	for (size_t i = 0; i < n; i++) {
		buf_init(&texts[i], NATION_POLICY_MAX);
		if (!cli_read(c, paths[i], &texts[i], code))
			return false;
		list[i] = (struct nation_policy){paths[i], buf_span(&texts[i])};
	}
	if (n == 0)
		n = policy_default(list);
	order->policies = list;
	order->policies_count = n;
	if (n == 0)
		*code = cli_usage(c, "--policy wants a SPIF");
	return n > 0;
}

static const char *or_default(const char *value, const char *other)
{
	return value ? value : other;
}

static int report(struct cli *c, const struct nation_order *o)
{
	struct json_writer w;
	struct buf json;
	int code;

	if (!c->json) {
		printf("%s: a relay of %.3s\n"
		       "  Take %s/seal-root offline now: it is the nation's "
		       "word, and no relay needs it.\n"
		       "  Take %s/recovery offline too: it opens the "
		       "backups.\n"
		       "  Officers' certificates are in %s/operator.\n"
		       "  Start it: entented --folder %s\n",
		       o->folder, o->nation.code, o->folder, o->folder,
		       o->folder, o->folder);
		return 0;
	}
	buf_init(&json, 65536);
	w = json_write(&json);
	json_open_object(&w);
	json_member_str(&w, "folder", o->folder);
	json_member_nation(&w, "nation", o->nation);
	json_member_u64(&w, "policies", o->policies_count);
	json_close_object(&w);
	code = cli_print_json(c, &json);
	buf_clear(&json);
	return code;
}

int cmd_init(struct cli *c)
{
	struct nation_policy policies[NATION_POLICIES_MAX] = {0};
	struct buf texts[NATION_POLICIES_MAX] = {0};
	struct nation_order order = {
		.folder = c->args[0],
		.name = or_default(cli_option(c, "name"), "localhost"),
		.listen_device = or_default(cli_option(c, "listen-device"),
					    "127.0.0.1:8443"),
		.listen_peer = or_default(cli_option(c, "listen-peer"),
					  "127.0.0.1:8444"),
		.listen_admin = or_default(cli_option(c, "listen-admin"),
					   "127.0.0.1:8445"),
		.endpoint = cli_option(c, "endpoint"),
		.peer_endpoint = cli_option(c, "peer-endpoint"),
		.ceiling = or_default(cli_option(c, "ceiling"), "RESTRICTED"),
		.clock = system_clock(),
		.random = system_random(),
	};
	const char *nation = cli_option(c, "nation");
	const char *quota = cli_option(c, "quota");
	const char *fronts = cli_option(c, "fronts");
	const char *where = order.folder;
	struct buf passphrase;
	uint64_t number = 0;
	struct err e;
	int code = 0;

	buf_init(&passphrase, 1024);
	if (!nation || failed(nation_parse(span_str(nation), &order.nation))) {
		code = cli_usage(c, "--nation wants three letters (ISO "
				    "3166-1), such as GBR");
		goto out;
	}
	if (quota &&
	    failed(http_u64_parse(span_str(quota), &order.quota_bytes))) {
		code = cli_usage(c, "--quota wants a number of bytes");
		goto out;
	}
	if (fronts && (failed(http_u64_parse(span_str(fronts), &number)) ||
		       number < 1 || number > 16)) {
		code = cli_usage(c, "--fronts wants 1 to 16");
		goto out;
	}
	order.fronts = (unsigned)number;
	if (!read_policies(c, &order, policies, texts, &code) ||
	    !cli_passphrase(c, true, true, &passphrase, &code))
		goto out;
	if (passphrase.len == 0) {
		code = cli_usage(c, "the root key needs a passphrase: "
				    "--passphrase-file FILE");
		goto out;
	}
	order.passphrase = buf_span(&passphrase);
	e = nation_make(&order, &where);
	if (e.code == ERR_EXISTS)
		code = cli_usage(c,
				 "%s is a relay's folder already: name "
				 "another one, or remove it",
				 where);
	else
		code = failed(e) ? cli_fail(c, e, "%s", where)
				 : report(c, &order);
out:
	for (size_t i = 0; i < NATION_POLICIES_MAX; i++)
		buf_clear(&texts[i]);
	buf_wipe(&passphrase);
	return code;
}
