/* One table of verbs: finding, help, options. */
#include "client/cli.h"

#include "client/files.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { EXIT_BAD_USAGE = 64 };

/* ---- help ---- */

static void print_name(FILE *to, const struct cli_verb *v)
{
	fprintf(to, "entente %s%s%s", v->noun, v->verb ? " " : "",
		v->verb ? v->verb : "");
}

static void help_all(const struct cli_verb *verbs, size_t count)
{
	puts("entente: operate a relay, a device and its documents\n");
	for (size_t i = 0; i < count; i++) {
		const struct cli_verb *v = &verbs[i];

		printf("  %s%s%s%s%s\n      %s\n", v->noun, v->verb ? " " : "",
		       v->verb ? v->verb : "", v->args[0] ? " " : "", v->args,
		       v->summary);
	}
	puts("\nEach has --help, with an example, and --json.");
}

static void help_one(const struct cli_verb *v)
{
	const char *p = v->options;

	fputs("usage: ", stdout);
	print_name(stdout, v);
	printf("%s%s", v->args[0] ? " " : "", v->args);
	while (*p) {
		size_t n = strcspn(p, " ");
		const char *eq = memchr(p, '=', n);

		if (eq)
			printf(" [--%.*s %.*s]", (int)(eq - p), p,
			       (int)(n - (size_t)(eq - p) - 1), eq + 1);
		else
			printf(" [--%.*s]", (int)n, p);
		p += n;
		p += strspn(p, " ");
	}
	printf(" [--json]\n\n%s\n\nexample:\n  %s\n", v->summary, v->example);
}

static void help_noun(const struct cli_verb *verbs, size_t count,
		      const char *noun)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(verbs[i].noun, noun) != 0)
			continue;
		help_one(&verbs[i]);
		putchar('\n');
	}
}

/* ---- finding and parsing ---- */

/* 0: no such option, 1: a flag, 2: takes a value. */
static int option_kind(const char *options, const char *name, size_t len)
{
	const char *p = options;

	if (len == 4 &&
	    (memcmp(name, "json", 4) == 0 || memcmp(name, "help", 4) == 0))
		return 1;
	while (*p) {
		size_t n = strcspn(p, " ");
		const char *eq = memchr(p, '=', n);
		size_t own = eq ? (size_t)(eq - p) : n;

		if (own == len && memcmp(p, name, len) == 0)
			return eq ? 2 : 1;
		p += n;
		p += strspn(p, " ");
	}
	return 0;
}

static int parse_option(struct cli *c, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;
	int kind = option_kind(c->verb->options, name, len);
	char *copy;

	if (kind == 0)
		return cli_usage(c, "there is no option --%.*s here", (int)len,
				 name);
	if (kind == 1 && value)
		return cli_usage(c, "--%.*s takes no value", (int)len, name);
	if (kind == 2 && !value) {
		if (*i + 1 >= argc)
			return cli_usage(c, "--%s wants a value", name);
		value = argv[++*i];
	}
	if (c->options_count == CLI_OPTIONS_MAX)
		return cli_usage(c, "too many options");
	copy = argv[*i] == value ? argv[*i - 1] + 2 : argv[*i] + 2;
	if (copy[len])
		copy[len] = 0;
	c->options[c->options_count].name = copy;
	c->options[c->options_count++].value = value ? value : "";
	return 0;
}

static int parse(struct cli *c, int argc, char **argv)
{
	bool only_args = false;

	for (int i = 0; i < argc; i++) {
		int code;

		if (!only_args && strcmp(argv[i], "--") == 0) {
			only_args = true;
			continue;
		}
		if (only_args || strncmp(argv[i], "--", 2) != 0) {
			if (c->args_count == CLI_ARGS_MAX)
				return cli_usage(c, "too many arguments");
			c->args[c->args_count++] = argv[i];
			continue;
		}
		code = parse_option(c, argc, argv, &i);
		if (code)
			return code;
	}
	return 0;
}

static const struct cli_verb *find(const struct cli_verb *verbs, size_t count,
				   int argc, char **argv, int *used)
{
	for (size_t i = 0; i < count; i++) {
		const struct cli_verb *v = &verbs[i];

		if (strcmp(v->noun, argv[1]) != 0)
			continue;
		*used = v->verb ? 3 : 2;
		if (!v->verb)
			return v;
		if (argc > 2 && strcmp(v->verb, argv[2]) == 0)
			return v;
	}
	return NULL;
}

/* A noun alone, or with a verb that it has not. */
static int no_verb(const struct cli_verb *verbs, size_t count, struct cli *c,
		   int argc, char **argv)
{
	struct cli_verb wanted = {.noun = argv[1], .options = ""};
	bool noun = false;
	int code;

	for (size_t i = 0; i < count; i++)
		noun = noun || strcmp(verbs[i].noun, argv[1]) == 0;
	for (int i = 2; noun && i < argc; i++)
		if (strcmp(argv[i], "--help") == 0) {
			help_noun(verbs, count, argv[1]);
			return 0;
		}
	c->verb = &wanted;
	if (noun && (argc < 3 || argv[2][0] == '-'))
		code = cli_usage(c,
				 "a verb is missing; `entente %s --help` "
				 "lists them",
				 argv[1]);
	else if (noun)
		code = cli_usage(c,
				 "there is no verb `%.40s`; `entente %s "
				 "--help` lists them",
				 argv[2], argv[1]);
	else
		code = cli_usage(c, "there is no such thing; `entente --help` "
				    "lists them");
	c->verb = NULL;
	return code;
}

int cli_main(const struct cli_verb *verbs, size_t count, int argc, char **argv)
{
	bool told = false;
	struct cli c = {.progress = isatty(2) == 1, .told = &told};
	int used = 0, code;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help_all(verbs, count);
		return argc < 2 ? EXIT_BAD_USAGE : 0;
	}
	/* Before anything can be wrong. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		c.json = c.json || strcmp(argv[i], "--json") == 0;
	c.verb = find(verbs, count, argc, argv, &used);
	if (!c.verb)
		return no_verb(verbs, count, &c, argc, argv);
	/* Also where the rest of the line is wrong. */
	for (int i = used; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0) {
			help_one(c.verb);
			return 0;
		}
	code = parse(&c, argc - used, argv + used);
	if (code)
		return code;
	if (c.args_count < c.verb->args_min || c.args_count > c.verb->args_max)
		return cli_usage(&c, "wants %s",
				 c.verb->args[0] ? c.verb->args
						 : "no arguments");
	return c.verb->run(&c);
}

/* ---- options ---- */

const char *cli_option(const struct cli *c, const char *name)
{
	for (int i = c->options_count; i-- > 0;)
		if (strcmp(c->options[i].name, name) == 0)
			return c->options[i].value;
	return NULL;
}

bool cli_flag(const struct cli *c, const char *name)
{
	return cli_option(c, name) != NULL;
}

size_t cli_options(const struct cli *c, const char *name, const char **out,
		   size_t max)
{
	size_t n = 0;

	for (int i = 0; i < c->options_count; i++)
		if (strcmp(c->options[i].name, name) == 0 && n < max)
			out[n++] = c->options[i].value;
	return n;
}

size_t cli_list(const char *value, char *text, size_t room, const char **out,
		size_t max)
{
	size_t n = 0;
	char *save = NULL;

	snprintf(text, room, "%s", value ? value : "");
	for (char *p = strtok_r(text, ",", &save); p && n < max;
	     p = strtok_r(NULL, ",", &save))
		out[n++] = p;
	return n;
}

/* ---- input ---- */

bool cli_read(const struct cli *c, const char *path, struct buf *out, int *code)
{
	struct err e = ERR_NONE;

	if (strcmp(path, "-") == 0) {
		uint8_t piece[16384];
		size_t n;

		while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
			buf_put(out, span_of(piece, n));
		e = buf_check(out);
	} else {
		e = files_read(path, out);
	}
	/* A file that is not here is not a document withheld. */
	if (e.code == ERR_NOT_FOUND)
		e = err_make(ERR_USAGE, "there is no such file");
	if (failed(e))
		*code = cli_fail(c, e, "%s", path);
	return !failed(e);
}

static bool type_line(const char *prompt, struct buf *out)
{
	struct termios old, quiet;
	int ch;

	if (tcgetattr(0, &old) != 0)
		return false;
	quiet = old;
	/* Ctrl-C comes as a character: the echo must come back first. */
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	fputs(prompt, stderr);
	tcsetattr(0, TCSAFLUSH, &quiet);
	while ((ch = getchar()) != EOF && ch != '\n' && ch != old.c_cc[VINTR])
		buf_put_u8(out, (uint8_t)ch);
	tcsetattr(0, TCSAFLUSH, &old);
	fputc('\n', stderr);
	if (ch == old.c_cc[VINTR])
		raise(SIGINT);
	return !failed(buf_check(out));
}

static bool type_passphrase(const struct cli *c, bool twice, struct buf *out,
			    int *code)
{
	struct buf again;
	bool fine;

	buf_init(&again, 1024);
	fine = type_line("passphrase: ", out);
	if (fine && twice)
		fine = type_line("once more:  ", &again) &&
		       span_eq(buf_span(out), buf_span(&again));
	buf_wipe(&again);
	if (!fine)
		*code = cli_usage(c, "the two passphrases differ");
	return fine;
}

bool cli_passphrase(const struct cli *c, bool ask, bool twice, struct buf *out,
		    int *code)
{
	const char *path = cli_option(c, "passphrase-file");

	if (!path)
		path = getenv("ENTENTE_PASSPHRASE_FILE");
	if (!path)
		return ask && isatty(0) ? type_passphrase(c, twice, out, code)
					: true;
	if (!cli_read(c, path, out, code))
		return false;
	/* One line's end is no part of it, as for the daemon. */
	if (out->len && out->at[out->len - 1] == '\n')
		out->len--;
	return true;
}
