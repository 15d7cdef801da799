#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/label/data.h"

static bool read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	char piece[4096];
	size_t n;

	if (!f)
		return false;
	buf_init(out, 4 << 20);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_put(out, span_of(piece, n));
	fclose(f);
	return !out->bad;
}

bool data_read(const char *path, struct buf *out)
{
	const char *root = getenv("ENTENTE_DATA");
	char full[512];

	snprintf(full, sizeof(full), "%s/labels/%s",
		 root ? root : "../shared/data", path);
	return read_file(full, out);
}

void repo_read(const char *path, struct buf *out)
{
	if (!read_file(path, out))
		fail_msg("%s cannot be read", path);
}

struct policy *make_policy(const char *governing, const char *national)
{
	struct span files[] = {span_str(governing), span_str(national)};
	struct label_problem problem;
	struct policy *p = NULL;

	if (failed(policy_load(files, national ? 2 : 1, &problem, &p)))
		fail_msg("policy: %s", problem.text);
	return p;
}

struct label *make_label(const char *xml)
{
	struct label_problem problem;
	struct label *l = NULL;

	if (failed(label_parse(span_str(xml), &problem, &l)))
		fail_msg("label: %s", problem.text);
	return l;
}

struct clearance *make_clearance(const char *xml)
{
	struct label_problem problem;
	struct clearance *c = NULL;

	if (failed(clearance_parse(span_str(xml), &problem, &c)))
		fail_msg("clearance: %s", problem.text);
	return c;
}

struct reader *make_reader(const struct policy *policy,
			   const struct clearance *clearance)
{
	struct reader_spec spec = {.clearance = clearance,
				   .all_spaces = true,
				   .in_posture = true};
	struct reader *r = NULL;

	assert_false(failed(reader_new(policy, &spec, &r)));
	return r;
}

const char *label_text(const char *policy, const char *classification,
		       const char *categories)
{
	static char text[8192];

	snprintf(text, sizeof(text),
		 "<originatorConfidentialityLabel xmlns=\"urn:nato:stanag:"
		 "4774:confidentialitymetadatalabel:1:0\">"
		 "<ConfidentialityInformation>"
		 "<PolicyIdentifier>%s</PolicyIdentifier>"
		 "<Classification>%s</Classification>%s"
		 "</ConfidentialityInformation>"
		 "<CreationDateTime>2026-03-02T09:00:00Z</CreationDateTime>"
		 "</originatorConfidentialityLabel>",
		 policy, classification, categories);
	return text;
}

struct dice dice_new(void)
{
	const char *seed = getenv("ENTENTE_SEED");
	struct dice d;

	d.state = seed ? strtoull(seed, NULL, 10)
		       : (uint64_t)time(NULL) * 65536 + (uint64_t)getpid();
	printf("seed: ENTENTE_SEED=%llu\n", (unsigned long long)d.state);
	return d;
}

/* splitmix64 */
uint32_t dice_below(struct dice *d, uint32_t n)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) % n);
}
