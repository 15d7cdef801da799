/* A folder as a device, and calling its relay. */
#include "client/cmd_device.h"

#include "client/http.h"
#include "client/system.h"
#include "proto/crypto/certificate.h"
#include "proto/exchange/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int device_open(const struct cli *c, bool enrolled, struct engine **out)
{
	const char *folder = cli_option(c, "device");
	struct engine_config config = {
		.clock = system_clock(),
		.random = system_random(),
	};
	struct buf passphrase;
	char path[FILES_PATH_MAX];
	struct err e;
	int code = 0;

	if (!folder)
		folder = getenv("ENTENTE_DEVICE");
	if (!folder)
		return cli_usage(c, "say which device: --device DIR, or the "
				    "variable ENTENTE_DEVICE");
	e = files_path(folder, "identity", path);
	if (!failed(e) && enrolled && !files_exist(path))
		return cli_fail(c,
				err_make(ERR_UNAUTHENTICATED,
					 "no device is enrolled in this "
					 "folder"),
				"%s", folder);
	buf_init(&passphrase, 1024);
	if (!cli_passphrase(c, false, false, &passphrase, &code)) {
		buf_wipe(&passphrase);
		return code;
	}
	config.folder = folder;
	config.passphrase = buf_span(&passphrase);
	e = engine_open(&config, out);
	/* A folder with a passphrase, and a person at hand. */
	if (e.code == ERR_SEALED && passphrase.len == 0 &&
	    cli_passphrase(c, true, false, &passphrase, &code) &&
	    passphrase.len) {
		config.passphrase = buf_span(&passphrase);
		e = engine_open(&config, out);
	}
	buf_wipe(&passphrase);
	if (e.code == ERR_SEALED) {
		(void)cli_fail(c,
			       err_make(ERR_USAGE,
					"the folder wants its passphrase: "
					"--passphrase-file FILE"),
			       "%s", folder);
		return err_row(ERR_FORBIDDEN)->exit_code;
	}
	return failed(e) ? cli_fail(c, e, "%s", folder) : 0;
}

/* ---- driving ---- */

enum { CONNECTS_MAX = 4 };

static struct err connect_to(struct engine *e, struct http_connection **out)
{
	struct engine_trust trust = engine_trust(e);
	struct http_peer peer = {
		.endpoint = trust.endpoint,
		.ca = trust.ca,
		.ca_digest = &trust.ca_digest,
		.certificate = trust.certificate,
		.key = trust.key,
	};

	return http_connection_open(&peer, out);
}

static int take_event(const struct cli *c, const struct engine_event *event,
		      uint64_t task, struct engine_event *last)
{
	char id[DOC_ID_TEXT_LEN + 1];
	struct problem words = {
		.code = event->why.code,
		.name = "",
		.title = "",
		.detail = event->detail,
		.mend = event->mend,
		.reference = event->reference,
	};
	struct doc_id none = {0};

	switch (event->kind) {
	case ENGINE_PROGRESS:
		cli_progress(c, "content", event->done, event->total);
		return 0;
	case ENGINE_FAILED:
		doc_id_format(event->document, id);
		if (!words.detail[0])
			words.detail =
				event->why.detail ? event->why.detail : "";
		return cli_refused(c, &words, "%s",
				   doc_id_eq(event->document, none)
					   ? "the relay"
					   : id);
	case ENGINE_DONE:
		if (event->task == task)
			*last = *event;
		return 0;
	case ENGINE_CHANGED:
	case ENGINE_DROPPED:
		return 0;
	}
	return 0;
}

static void take_events(const struct cli *c, struct engine *e, uint64_t task,
			struct engine_event *last, int *code)
{
	struct engine_event event;

	while (engine_event(e, &event)) {
		int one = take_event(c, &event, task, last);

		*code = *code ? *code : one;
	}
}

/* Sends all that the engine has ready, as long as there is room. */
static struct err send_ready(struct engine *e, struct http_connection *conn)
{
	const struct engine_call *call;
	struct err err = ERR_NONE;

	while (!failed(err) && http_connection_ready(conn) &&
	       engine_next(e, &call)) {
		struct http_call send = {
			.method = call->method,
			.target = call->target,
			.fields = call->fields,
			.fields_count = call->fields_count,
			.body = call->body,
			.answer_max = call->answer_max,
			.wait_s = call->wait_s,
			.id = call->id,
		};

		err = http_connection_send(conn, &send);
		if (failed(err))
			engine_answer(e, call->id, 0, (struct http_fields){0},
				      (struct span){0}, err);
	}
	return err;
}

static void rest(uint64_t ms)
{
	struct timespec t = {(time_t)(ms / 1000),
			     (long)(ms % 1000) * 1000 * 1000};

	nanosleep(&t, NULL);
}

int device_run(const struct cli *c, struct engine *e, uint64_t task,
	       struct engine_event *last)
{
	struct http_connection *conn = NULL;
	int code = 0, connects = 0;
	struct err err;

	*last = (struct engine_event){0};
	while (engine_busy(e)) {
		struct http_answer answer;

		/* A connection may end between two requests: a new one. */
		if (conn && http_connection_ended(conn) &&
		    http_connection_calls(conn) == 0) {
			http_connection_close(conn);
			conn = NULL;
		}
		if (!conn) {
			err = connects++ < CONNECTS_MAX
				      ? connect_to(e, &conn)
				      : err_make(ERR_UNREACHABLE,
						 "the connection ends again "
						 "and again");
			if (failed(err))
				return cli_fail(c, err, "%s",
						engine_trust(e).endpoint);
		}
		err = send_ready(e, conn);
		if (!failed(err) && http_connection_wait(conn, &answer))
			engine_answer(e, answer.id, answer.status,
				      answer.fields, answer.body, answer.why);
		else if (!failed(err))
			rest(engine_wait_ms(e));
		take_events(c, e, task, last, &code);
	}
	/* Also of tasks that needed no relay. */
	take_events(c, e, task, last, &code);
	cli_progress(c, "", 0, 0);
	http_connection_close(conn);
	return code;
}

/* ---- enrol, show ---- */

static int show(const struct cli *c, const struct engine *e)
{
	const struct identity *id = engine_identity(e);
	char key[DIGEST_TEXT_LEN + 1], nation[NATION_LEN + 1];
	struct json_writer w;
	struct buf json;
	int code = 0;

	key_id_format(crypto_public_id(crypto_key_public(id->author)), key);
	nation_format(id->nation, nation);
	if (!c->json) {
		printf("device   %s\nsubject  %s\nnation   %s\nrelay    %s\n",
		       key, id->subject, nation, id->endpoint);
		return 0;
	}
	buf_init(&json, 65536);
	w = json_write(&json);
	json_open_object(&w);
	json_member_str(&w, "device", key);
	json_member_str(&w, "nation", nation);
	json_member_str(&w, "relay", id->endpoint);
	json_member_str(&w, "subject", id->subject);
	json_close_object(&w);
	code = cli_print_json(c, &json);
	buf_clear(&json);
	return code;
}

int cmd_device_enrol(struct cli *c)
{
	struct engine *e = NULL;
	struct engine_event last;
	struct buf token;
	uint64_t task;
	struct err err;
	int code = 0;

	buf_init(&token, 4096);
	if (strcmp(c->args[0], "-") == 0) {
		if (!cli_read(c, "-", &token, &code))
			goto out;
	} else {
		buf_put_str(&token, c->args[0]);
	}
	code = device_open(c, false, &e);
	if (code)
		goto out;
	err = engine_enrol(e, buf_span(&token), &task);
	if (failed(err)) {
		code = cli_fail(c, err, "the token");
		goto out;
	}
	code = device_run(c, e, task, &last);
	if (!code)
		code = show(c, e);
out:
	engine_close(e);
	buf_wipe(&token);
	return code;
}

/* What curl takes: --cert device.pem --key device.key --cacert ca.pem. */
static int write_pem(const struct cli *c, const struct engine *e,
		     const char *folder)
{
	const struct identity *id = engine_identity(e);
	static const char *const names[] = {"device.pem", "device.key",
					    "ca.pem"};
	char path[FILES_PATH_MAX];
	struct err err = files_make_folder(folder);

	snprintf(path, sizeof(path), "%s", folder);
	for (size_t i = 0; i < 3 && !failed(err); i++) {
		struct buf pem;

		buf_init(&pem, CERTIFICATE_PEM_MAX);
		err = i == 1 ? certificate_key_to_pem(id->tls, &pem)
			     : certificate_to_pem(
				       buf_span(i == 0 ? &id->certificate
						       : &id->ca),
				       &pem);
		if (!failed(err))
			err = files_path(folder, names[i], path);
		if (!failed(err))
			err = files_write(path, buf_span(&pem), 0600);
		buf_wipe(&pem);
	}
	return failed(err) ? cli_fail(c, err, "%s", path) : 0;
}

int cmd_device_show(struct cli *c)
{
	const char *folder = cli_option(c, "pem");
	struct engine *e = NULL;
	int code = device_open(c, true, &e);

	if (!code && folder)
		code = write_pem(c, e, folder);
	if (!code)
		code = show(c, e);
	engine_close(e);
	return code;
}
