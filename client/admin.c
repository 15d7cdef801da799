/* An officer at a relay's admin listener. */
#include "client/admin.h"

#include "client/files.h"
#include "client/system.h"
#include "proto/crypto/certificate.h"
#include "proto/exchange/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUSY_RETRIES = 3, BUSY_WAIT_MAX_S = 10 };

struct admin {
	const struct cli *cli;
	char relay[300];
	struct buf certificate, ca; /* PEM */
	struct crypto_key *key;
	struct http_connection *connection;
	bool has_nonce;
	struct nonce nonce;
};

void admin_close(struct admin *a)
{
	if (!a)
		return;
	http_connection_close(a->connection);
	crypto_key_free(a->key);
	buf_clear(&a->certificate);
	buf_clear(&a->ca);
	free(a);
}

/* The admin listener's address from a relay's folder: the line `init`
 * wrote. */
static bool address_of_folder(const char *folder, char out[300])
{
	char path[FILES_PATH_MAX];
	struct buf text;
	bool found = false;

	buf_init(&text, 65536);
	if (!failed(files_path(folder, "entente.yaml", path)) &&
	    !failed(files_read(path, &text))) {
		const char *line = strstr(buf_cstr(&text), "\n  admin:");

		found = line &&
			(sscanf(line, "\n  admin: \"%290[^\"]\"", out) == 1 ||
			 sscanf(line, "\n  admin: %290[^ \n#]", out) == 1);
	}
	buf_clear(&text);
	return found;
}

static int read_identity(struct admin *a, const char *folder, const char *role)
{
	char name[128], path[FILES_PATH_MAX];
	struct buf key;
	int code = 0;
	struct err e;

	buf_init(&key, CERTIFICATE_PEM_MAX);
	snprintf(name, sizeof(name), "%.64s.pem", role);
	e = files_path(folder, name, path);
	if (!failed(e) && !files_exist(path)) {
		e = err_make(ERR_UNAUTHENTICATED,
			     "the certificate of this role is not here; name "
			     "the folder with --operator DIR, or another role "
			     "with --as ROLE");
		code = cli_fail(a->cli, e, "%s", path);
		goto out;
	}
	if (!failed(e) && !cli_read(a->cli, path, &a->certificate, &code))
		goto out;
	snprintf(name, sizeof(name), "%.64s.key", role);
	if (!failed(e))
		e = files_path(folder, name, path);
	if (!failed(e) && !cli_read(a->cli, path, &key, &code))
		goto out;
	if (!failed(e))
		e = certificate_key_from_pem(buf_span(&key), &a->key);
	if (failed(e)) {
		code = cli_fail(a->cli, e, "%s", path);
		goto out;
	}
	e = files_path(folder, "ca.pem", path);
	if (!failed(e) && !files_exist(path))
		e = files_path(folder, "../tls/ca.pem", path);
	if (failed(e))
		code = cli_fail(a->cli, e, "%s", folder);
	else
		(void)cli_read(a->cli, path, &a->ca, &code);
out:
	buf_wipe(&key);
	return code;
}

static const char *or_else(const char *value, const char *other)
{
	return value ? value : other;
}

int admin_open(const struct cli *c, struct admin **out)
{
	const char *folder = cli_option(c, "folder");
	const char *operator= cli_option(c, "operator");
	const char *relay = cli_option(c, "relay");
	const char *role = or_else(cli_option(c, "as"), c->verb->role);
	char path[FILES_PATH_MAX];
	struct admin *a = calloc(1, sizeof(*a));
	struct http_peer peer;
	struct err e;
	int code;

	if (!a)
		return cli_fail(c, err_make(ERR_NO_MEMORY, NULL), "admin");
	a->cli = c;
	buf_init(&a->certificate, CERTIFICATE_PEM_MAX);
	buf_init(&a->ca, CERTIFICATE_PEM_MAX);
	if (!operator&& !folder)
		operator= getenv("ENTENTE_OPERATOR");
	if (!operator&& folder && !failed(files_path(folder, "operator", path)))
		operator= path;
	if (!relay && folder && address_of_folder(folder, a->relay))
		relay = a->relay;
	if (!relay)
		relay = getenv("ENTENTE_RELAY");
	if (folder && !relay) {
		code = cli_usage(c,
				 "%s is no relay's folder: it has no "
				 "entente.yaml that can be read",
				 folder);
		goto out;
	}
	if (!operator|| !relay) {
		code = cli_usage(c, "say which relay and as whom: --folder "
				    "FOLDER, or --relay HOST:PORT --operator "
				    "DIR");
		goto out;
	}
	if (relay != a->relay)
		snprintf(a->relay, sizeof(a->relay), "%s", relay);
	code = read_identity(a, operator, or_else(role, "operator"));
	if (code)
		goto out;
	peer = (struct http_peer){
		.endpoint = a->relay,
		.ca = buf_span(&a->ca),
		.certificate = buf_span(&a->certificate),
		.key = a->key,
	};
	e = http_connection_open(&peer, &a->connection);
	code = failed(e) ? cli_fail(c, e, "%s", a->relay) : 0;
out:
	if (code)
		admin_close(a);
	else
		*out = a;
	return code;
}

/* ---- calls ---- */

/* The relay's next nonce, where an answer carries one. */
static void keep_nonce(struct admin *a, struct http_fields fields)
{
	struct span value;

	if (http_field_get(fields, "entente-nonce", &value))
		a->has_nonce = !failed(nonce_parse(value, &a->nonce));
}

static struct err send_once(struct admin *a, const char *method,
			    const char *target, struct span body,
			    struct http_answer *answer)
{
	struct signature_fields sig;
	struct http_field fields[4];
	struct http_call call = {
		.method = span_str(method),
		.target = span_str(target),
		.fields = fields,
		.body = body,
		.answer_max = ADMIN_ANSWER_MAX,
	};
	struct clock clock = system_clock();
	struct err e = ERR_NONE;

	signature_fields_init(&sig);
	if (body.len)
		fields[call.fields_count++] =
			(struct http_field){span_str("content-type"),
					    span_str("application/json")};
	if (strcmp(method, "GET") != 0 && a->has_nonce) {
		struct http_request request = {
			.method = http_method_parse(call.method),
			.authority = span_str(a->relay),
			.body = body,
		};

		e = http_target_split(call.target, &request.path,
				      &request.query);
		if (!failed(e))
			e = signature_sign(a->key, &request, &a->nonce,
					   clock_s(&clock), &sig);
		a->has_nonce = false; /* single use */
		fields[call.fields_count++] =
			(struct http_field){span_str("signature-input"),
					    buf_span(&sig.input)};
		fields[call.fields_count++] =
			(struct http_field){span_str("signature"),
					    buf_span(&sig.signature)};
		fields[call.fields_count++] =
			(struct http_field){span_str("content-digest"),
					    buf_span(&sig.digest)};
	}
	if (!failed(e))
		e = http_connection_send(a->connection, &call);
	if (!failed(e) && !http_connection_wait(a->connection, answer))
		e = err_make(ERR_UNREACHABLE, "no answer came");
	if (!failed(e) && answer->status == 0)
		e = answer->why;
	if (!failed(e))
		keep_nonce(a, answer->fields);
	signature_fields_clear(&sig);
	return e;
}

/* Seconds, if the relay named so few that waiting is worth it. */
static bool retry_after(const struct http_answer *answer, unsigned *out)
{
	struct span value;
	uint64_t n;

	if (!http_field_get(answer->fields, "retry-after", &value) ||
	    failed(http_u64_parse(value, &n)) || n > BUSY_WAIT_MAX_S)
		return false;
	*out = n ? (unsigned)n : 1;
	return true;
}

int admin_call(struct admin *a, const char *method, const char *target,
	       struct span body, struct buf *answer)
{
	struct http_answer got;
	struct problem problem;
	unsigned wait_s = 0;
	struct arena arena;
	struct err e;
	int code;

	arena_init(&arena, 2 * PROBLEM_MAX);
	e = send_once(a, method, target, body, &got);
	/* The first change asks for a nonce, by failing. */
	if (!failed(e) && got.status == 401 && a->has_nonce &&
	    strcmp(method, "GET") != 0)
		e = send_once(a, method, target, body, &got);
	/* Equal requests of one officer differ in the second they are
	 * signed. */
	if (!failed(e) && got.status == 401 && a->has_nonce &&
	    strcmp(method, "GET") != 0) {
		sleep(1);
		e = send_once(a, method, target, body, &got);
	}
	/* A relay that is busy says when to come again.  It has changed
	 * nothing, and the nonce of its answer is fresh. */
	for (unsigned i = 0; i < BUSY_RETRIES && !failed(e) &&
			     got.status == 503 && retry_after(&got, &wait_s);
	     i++) {
		sleep(wait_s);
		e = send_once(a, method, target, body, &got);
		if (!failed(e) && got.status == 401 && a->has_nonce)
			e = send_once(a, method, target, body, &got);
	}
	if (failed(e)) {
		code = cli_fail(a->cli, e, "%s %s%s", method, a->relay, target);
	} else if (got.status >= 200 && got.status < 300) {
		buf_put(answer, got.body);
		e = buf_check(answer);
		code = failed(e) ? cli_fail(a->cli, e, "%s", target) : 0;
	} else if (!failed(problem_parse(got.body, got.status, &arena,
					 &problem))) {
		code = cli_refused(a->cli, &problem, "%s %s", method, target);
	} else {
		code = cli_fail(a->cli, problem_error(got.body, got.status),
				"%s %s", method, target);
	}
	arena_clear(&arena);
	return code;
}

int admin_do(const struct cli *c, const char *method, const char *target,
	     struct span body, const char *done)
{
	struct admin *a = NULL;
	struct buf answer;
	int code = admin_open(c, &a);

	buf_init(&answer, ADMIN_ANSWER_MAX);
	if (a)
		code = admin_call(a, method, target, body, &answer);
	if (!code && answer.len)
		code = admin_show(c, buf_span(&answer));
	else if (!code && c->json)
		puts("{}");
	else if (!code)
		cli_say(c, "%s", done);
	admin_close(a);
	buf_clear(&answer);
	return code;
}
