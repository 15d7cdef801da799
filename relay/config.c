#include "relay/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml.h>

struct reader {
	struct config *config;
	struct config_fault *fault;
	unsigned seen; /* bits, by key */
	bool has_fronts;
};

[[gnu::format(printf, 3, 4)]] static struct err
refuse(struct reader *r, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->fault->text, sizeof(r->fault->text), fmt, ap);
	va_end(ap);
	r->fault->line = line;
	return err_make(ERR_MALFORMED, "configuration");
}

/* ---- values ---- */

static const char *scalar(const yaml_node_t *node)
{
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.length == 0 ||
	    node->data.scalar.length > CONFIG_TEXT_MAX ||
	    strlen((const char *)node->data.scalar.value) !=
		    node->data.scalar.length)
		return NULL;
	return (const char *)node->data.scalar.value;
}

static unsigned line_of(const yaml_node_t *node)
{
	return (unsigned)node->start_mark.line + 1;
}

static struct err get_text(struct reader *r, const yaml_node_t *node,
			   const char *key, char *out)
{
	const char *text = scalar(node);

	if (!text)
		return refuse(r, line_of(node),
			      "%s: write one text of 1 to %d characters", key,
			      CONFIG_TEXT_MAX);
	strcpy(out, text);
	return ERR_NONE;
}

static struct err get_number(struct reader *r, const yaml_node_t *node,
			     const char *key, uint64_t max, uint64_t *out)
{
	const char *text = scalar(node);
	uint64_t v = 0;
	bool bad = !text || strlen(text) > 18;

	for (const char *p = bad ? "" : text; *p; p++) {
		if (*p < '0' || *p > '9') {
			bad = true;
			break;
		}
		v = v * 10 + (uint64_t)(*p - '0');
	}
	if (bad || v > max)
		return refuse(r, line_of(node),
			      "%s: write a whole number of 0 to %llu", key,
			      (unsigned long long)max);
	*out = v;
	return ERR_NONE;
}

static struct err get_endpoint(struct reader *r, const yaml_node_t *node,
			       const char *key, char *out)
{
	struct address a;
	struct err e = get_text(r, node, key, out);

	if (failed(e))
		return e;
	if (failed(address_parse(out, &a)) || a.port == 0)
		return refuse(r, line_of(node),
			      "%s: write host:port, IPv6 in brackets", key);
	return ERR_NONE;
}

static struct err get_listener(struct reader *r, const yaml_node_t *node,
			       enum route_listener which)
{
	char text[CONFIG_TEXT_MAX + 1];
	struct err e = get_text(r, node, route_listener_name(which), text);

	if (failed(e))
		return e;
	e = address_parse(text, &r->config->listen[which]);
	if (failed(e))
		return refuse(r, line_of(node),
			      "listen.%s: write host:port, IPv6 in brackets, "
			      "port 0 for any",
			      route_listener_name(which));
	return ERR_NONE;
}

/* ---- mappings ---- */

typedef struct err (*take_fn)(struct reader *r, yaml_document_t *doc,
			      const yaml_node_t *node, int key);

static struct err each(struct reader *r, yaml_document_t *doc,
		       const yaml_node_t *node, const char *const *keys,
		       take_fn take, const char *where)
{
	unsigned seen = 0;

	if (node->type != YAML_MAPPING_NODE)
		return refuse(r, line_of(node),
			      "%s: write a list of `key: value` lines", where);
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top; p++) {
		const yaml_node_t *k = yaml_document_get_node(doc, p->key);
		const yaml_node_t *v = yaml_document_get_node(doc, p->value);
		const char *name = scalar(k);
		struct err e;
		int i = 0;

		while (name && keys[i] && strcmp(keys[i], name) != 0)
			i++;
		if (!name || !keys[i])
			return refuse(
				r, line_of(k),
				"unknown key `%.64s` in %s; remove it, or "
				"correct its spelling",
				name ? name : "?", where);
		if (seen & (1u << i))
			return refuse(r, line_of(k),
				      "`%s` stands twice; keep one", name);
		seen |= 1u << i;
		e = take(r, doc, v, i);
		if (failed(e))
			return e;
	}
	r->seen = seen;
	return ERR_NONE;
}

static const char *const listen_keys[] = {"device", "peer", "admin", NULL};

static struct err take_listen(struct reader *r, yaml_document_t *doc,
			      const yaml_node_t *node, int key)
{
	return get_listener(r, node, (enum route_listener)key);
}

enum key {
	KEY_NATION,
	KEY_NAME,
	KEY_LISTEN,
	KEY_ENDPOINT,
	KEY_PEER_ENDPOINT,
	KEY_CEILING,
	KEY_QUOTA,
	KEY_FRONTS,
};
static const char *const top_keys[] =
	{"nation",  "name",	   "listen", "endpoint", "peer_endpoint",
	 "ceiling", "quota_bytes", "fronts", NULL};

static struct err take_nation(struct reader *r, const yaml_node_t *node)
{
	const char *text = scalar(node);

	if (!text || failed(nation_parse(span_str(text), &r->config->nation)))
		return refuse(r, line_of(node),
			      "nation: write the three capital letters of "
			      "ISO 3166-1, such as GBR");
	return ERR_NONE;
}

static struct err take_top(struct reader *r, yaml_document_t *doc,
			   const yaml_node_t *node, int key)
{
	struct config *c = r->config;
	uint64_t n;
	struct err e;

	switch ((enum key)key) {
	case KEY_NATION:
		return take_nation(r, node);
	case KEY_NAME:
		return get_text(r, node, "name", c->name);
	case KEY_LISTEN:
		e = each(r, doc, node, listen_keys, take_listen, "listen");
		if (!failed(e) && r->seen != 7)
			e = refuse(r, line_of(node),
				   "listen: give device, peer and admin");
		return e;
	case KEY_ENDPOINT:
		return get_endpoint(r, node, "endpoint", c->endpoint);
	case KEY_PEER_ENDPOINT:
		return get_endpoint(r, node, "peer_endpoint", c->peer_endpoint);
	case KEY_CEILING:
		return get_text(r, node, "ceiling", c->ceiling);
	case KEY_QUOTA:
		return get_number(r, node, "quota_bytes", UINT64_C(1) << 53,
				  &c->quota_bytes);
	case KEY_FRONTS:
		e = get_number(r, node, "fronts", CONFIG_FRONTS_MAX, &n);
		if (failed(e))
			return e;
		if (n == 0)
			return refuse(r, line_of(node),
				      "fronts: write 1 to %d, or leave it out",
				      CONFIG_FRONTS_MAX);
		c->fronts = (unsigned)n;
		return ERR_NONE;
	}
	return err_make(ERR_INTERNAL, "configuration key");
}

static unsigned default_fronts(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : cores > 4 ? 4 : (unsigned)cores;
}

static struct err read_document(struct reader *r, yaml_document_t *doc)
{
	static const enum key needed[] = {KEY_NATION, KEY_NAME, KEY_LISTEN,
					  KEY_CEILING};
	const yaml_node_t *root = yaml_document_get_root_node(doc);
	unsigned seen;
	struct err e;

	if (!root)
		return refuse(r, 0, "the file is empty");
	e = each(r, doc, root, top_keys, take_top, "the file");
	if (failed(e))
		return e;
	seen = r->seen;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!(seen & (1u << needed[i])))
			return refuse(r, 0, "`%s` is missing; add it",
				      top_keys[needed[i]]);
	if (!r->config->fronts)
		r->config->fronts = default_fronts();
	return ERR_NONE;
}

struct err config_parse(struct span text, struct config *out,
			struct config_fault *fault)
{
	struct config config = {0};
	struct reader r = {.config = &config, .fault = fault};
	yaml_parser_t parser;
	yaml_document_t doc;
	struct err e;

	*fault = (struct config_fault){0};
	if (text.len > CONFIG_FILE_MAX) {
		snprintf(fault->text, sizeof(fault->text),
			 "larger than %d bytes", CONFIG_FILE_MAX);
		return err_make(ERR_TOO_LARGE, "configuration");
	}
	if (!yaml_parser_initialize(&parser))
		return err_make(ERR_NO_MEMORY, "yaml");
	yaml_parser_set_input_string(&parser, text.at, text.len);
	if (!yaml_parser_load(&parser, &doc)) {
		e = refuse(&r, (unsigned)parser.problem_mark.line + 1,
			   "no YAML: %.160s",
			   parser.problem ? parser.problem : "malformed");
		goto out;
	}
	e = read_document(&r, &doc);
	yaml_document_delete(&doc);
	if (!failed(e))
		*out = config;
out:
	yaml_parser_delete(&parser);
	return e;
}

struct err config_read(const char *folder, struct config *out,
		       struct config_fault *fault)
{
	char path[4200];
	struct config config;
	struct buf text;
	FILE *file;
	struct err e;

	*fault = (struct config_fault){0};
	if (strlen(folder) >= sizeof(config.folder)) {
		snprintf(fault->text, sizeof(fault->text),
			 "the folder's path is too long");
		return err_make(ERR_TOO_LARGE, "folder");
	}
	snprintf(path, sizeof(path), "%s/" CONFIG_FILE, folder);
	buf_init(&text, CONFIG_FILE_MAX + 1);
	file = fopen(path, "re");
	if (!file) {
		snprintf(fault->text, sizeof(fault->text),
			 "cannot be read; `entente init` makes it");
		return err_make(ERR_IO, "configuration cannot be opened");
	}
	if (buf_grow(&text, CONFIG_FILE_MAX + 1))
		text.len = fread(text.at, 1, CONFIG_FILE_MAX + 1, file);
	fclose(file);
	e = config_parse(buf_span(&text), &config, fault);
	buf_clear(&text);
	if (failed(e))
		return e;
	strcpy(config.folder, folder);
	*out = config;
	return ERR_NONE;
}
