/* Ticks: who says what, and what can be proved of it without a connection. */
#include "client/cmd_tick.h"

#include "client/admin.h"
#include "client/files.h"
#include "proto/exchange/http.h"
#include "proto/exchange/ticks.h"

#include <stdio.h>

int cmd_tick_list(struct cli *c)
{
	return admin_do(c, "GET", "/admin/v1/ticks", (struct span){0}, "");
}

int cmd_tick_evidence(struct cli *c)
{
	const char *out = cli_option(c, "out");
	const char *number = cli_option(c, "number");
	bool first = true;
	struct admin *a = NULL;
	struct buf to, answer;
	struct err e;
	int code;

	buf_init(&to, 512);
	buf_init(&answer, ADMIN_ANSWER_MAX);
	buf_put_str(&to, "/admin/v1/ticks/");
	http_percent_encode(span_str(c->args[0]), &to);
	buf_put_str(&to, "/evidence");
	if (number)
		http_query_put(&to, &first, "number", span_str(number));
	code = admin_open(c, &a);
	if (!code)
		code = admin_call(a, "GET", buf_cstr(&to), (struct span){0},
				  &answer);
	if (!code && out) {
		e = files_write(out, buf_span(&answer), 0644);
		if (failed(e))
			code = cli_fail(c, e, "%s", out);
	} else if (!code) {
		printf("%s\n", buf_cstr(&answer));
	}
	admin_close(a);
	buf_clear(&to);
	buf_clear(&answer);
	return code;
}

/* What each fault means, for whoever has to act. */
static const char *meaning(enum ticks_fault fault)
{
	switch (fault) {
	case TICKS_SOUND:
		return "The evidence proves nothing against this relay.";
	case TICKS_TWO_FACES:
		return "This relay signed two different ticks for one minute: "
		       "it told one nation another past than the other.";
	case TICKS_BROKEN:
		return "What this relay signed later does not follow from the "
		       "tick that it had signed: it went on from an older "
		       "state.";
	case TICKS_ROLLED_BACK:
		return "This relay said that its newest tick is older than one "
		       "it had signed: its store was put back.";
	case TICKS_FROZEN:
		return "This relay answered and made no tick meanwhile: it "
		       "shows an old state.";
	}
	return "";
}

static struct err verify(struct cli *c, struct span file, struct arena *arena,
			 enum ticks_fault *fault)
{
	char of[REPLICA_TEXT_MAX + 1] = "", root[DIGEST_TEXT_LEN + 1] = "";
	struct ticks_evidence v;
	struct replica accused;
	struct digest digest;
	struct json_writer w;
	struct buf text;
	uint64_t minute = 0;
	struct err e = ticks_evidence_decode(file, arena, &v);

	if (e.code == ERR_MALFORMED)
		return err_make(ERR_USAGE, "no evidence against a relay; "
					   "`entente tick evidence` writes it");
	if (!failed(e))
		e = ticks_evidence_check(&v, arena, &accused, &minute, fault);
	if (!failed(e))
		e = crypto_sha256(v.root, &digest);
	if (failed(e))
		return e;
	replica_format(accused, of);
	digest_format(digest, root);
	buf_init(&text, 4096);
	w = json_write(&text);
	json_open_object(&w);
	json_member_str(&w, "accused", of);
	json_member_str(&w, "fault", ticks_fault_name(*fault));
	json_member_str(&w, "meaning", meaning(*fault));
	json_member_u64(&w, "tick", minute * 60);
	json_member_str(&w, "root", root);
	json_member_u64(&w, "witnesses", v.witness_count);
	json_close_object(&w);
	e = buf_check(&text);
	if (!failed(e))
		admin_show(c, buf_span(&text));
	buf_clear(&text);
	return e;
}

int cmd_tick_verify(struct cli *c)
{
	enum ticks_fault fault = TICKS_SOUND;
	struct arena arena;
	struct buf file;
	struct err e;
	int code = 0;

	arena_init(&arena, 8 << 20);
	buf_init(&file, TICKS_EVIDENCE_MAX);
	if (cli_read(c, c->args[0], &file, &code)) {
		e = verify(c, buf_span(&file), &arena, &fault);
		if (failed(e))
			code = cli_fail(c, e, "%s", c->args[0]);
		else if (fault == TICKS_SOUND)
			code = 2;
	}
	buf_clear(&file);
	arena_clear(&arena);
	return code;
}
