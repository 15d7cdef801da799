/* Policies, labels and clearances of the histories. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <stdlib.h>

#include "storage/file.h"
#include "tests/histories/book.h"
#include "tests/support/tempstore.h"

static const char *const nations[BOOK_LABELS] = {"GBR", "DEU", "FRA", "CAN"};
/* What each policy does not know. */
static const char *const unknown[BOOK_POLICIES][2] = {{NULL, NULL},
						      {"DEU", NULL},
						      {"GBR", "CAN"}};
static const char *const spaces[BOOK_SPACES] = {"GBR/ops", "GBR/two"};

#define URN "urn:nato:stanag:4774:confidential"

const char *book_space(unsigned space)
{
	return spaces[space];
}

/* A policy that has another name for what it shall not know. */
static void rename_value(struct buf *text, const char *nation)
{
	char name[32];
	uint8_t *at;

	snprintf(name, sizeof(name), "tagCategory name=\"%s\"", nation);
	at = memmem(text->at, text->len, name, strlen(name));
	if (!at)
		abort();
	memcpy(at + strlen("tagCategory name=\""), "XXX", 3);
}

static struct policy *load_policy(unsigned n)
{
	struct policy *policy = NULL;
	struct span span;
	struct buf text;

	buf_init(&text, 1 << 20);
	must(file_read("docs/policy/alliance.spif.xml", &text));
	for (int i = 0; i < 2; i++)
		if (unknown[n][i])
			rename_value(&text, unknown[n][i]);
	span = buf_span(&text);
	must(policy_load(&span, 1, NULL, &policy));
	buf_clear(&text);
	return policy;
}

static struct label *make_label(unsigned n)
{
	struct label *label = NULL;
	struct buf text;

	buf_init(&text, 4096);
	buf_printf(&text,
		   "<originatorConfidentialityLabel xmlns=\"" URN
		   "itymetadatalabel:1:0\">"
		   "<ConfidentialityInformation><PolicyIdentifier>ENTENTE"
		   "</PolicyIdentifier><Classification>RESTRICTED"
		   "</Classification><Category TagName=\"Releasable To\" "
		   "Type=\"PERMISSIVE\"><GenericValue>%s</GenericValue>"
		   "</Category></ConfidentialityInformation>"
		   "</originatorConfidentialityLabel>",
		   nations[n]);
	must(label_parse(buf_span(&text), NULL, &label));
	buf_clear(&text);
	return label;
}

static struct clearance *make_clearance(unsigned bits)
{
	struct clearance *clearance = NULL;
	struct buf text;

	buf_init(&text, 4096);
	buf_put_str(&text, "<s:ConfidentialityClearance xmlns:s=\"" URN
			   "ityclearance:1:0\" xmlns=\"" URN
			   "itymetadatalabel:1:0\"><PolicyIdentifier>ENTENTE"
			   "</PolicyIdentifier><s:ClassificationList>"
			   "<Classification>RESTRICTED</Classification>"
			   "</s:ClassificationList>");
	if (bits)
		buf_put_str(&text, "<Category TagName=\"Releasable To\" "
				   "Type=\"PERMISSIVE\">");
	for (unsigned i = 0; i < BOOK_LABELS; i++)
		if (bits >> i & 1)
			buf_printf(&text, "<GenericValue>%s</GenericValue>",
				   nations[i]);
	if (bits)
		buf_put_str(&text, "</Category>");
	buf_put_str(&text, "</s:ConfidentialityClearance>");
	must(clearance_parse(buf_span(&text), NULL, &clearance));
	buf_clear(&text);
	return clearance;
}

static void make_readers(struct book *b, unsigned policy, unsigned c,
			 const struct clearance *clearance)
{
	struct reader_spec nation = {.kind = READER_NATION,
				     .clearance = clearance,
				     .all_spaces = true,
				     .in_posture = true};

	must(reader_new(b->policies[policy], &nation, &b->nations[policy][c]));
	for (unsigned set = 0; set < BOOK_SPACE_SETS; set++) {
		struct span member[BOOK_SPACES];
		struct reader_spec device = {.kind = READER_DEVICE,
					     .clearance = clearance,
					     .spaces = member,
					     .in_posture = true};

		for (unsigned s = 0; s < BOOK_SPACES; s++)
			if (set >> s & 1)
				member[device.space_count++] =
					span_str(spaces[s]);
		must(reader_new(b->policies[policy], &device,
				&b->devices[policy][c][set]));
	}
}

struct book *book_new(void)
{
	struct book *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	for (unsigned l = 0; l < BOOK_LABELS; l++) {
		b->labels[l] = make_label(l);
		b->digests[l] = label_digest(b->labels[l]);
	}
	for (unsigned p = 0; p < BOOK_POLICIES; p++) {
		b->policies[p] = load_policy(p);
		for (unsigned l = 0; l < BOOK_LABELS; l++)
			must(bound_new(b->policies[p], b->labels[l],
				       &b->bounds[p][l]));
	}
	for (unsigned c = 0; c < BOOK_CLEARANCES; c++) {
		struct clearance *clearance = make_clearance(c);

		for (unsigned p = 0; p < BOOK_POLICIES; p++)
			make_readers(b, p, c, clearance);
		clearance_free(clearance);
	}
	return b;
}

void book_free(struct book *b)
{
	if (!b)
		return;
	for (unsigned p = 0; p < BOOK_POLICIES; p++) {
		for (unsigned l = 0; l < BOOK_LABELS; l++)
			bound_free(b->bounds[p][l]);
		for (unsigned c = 0; c < BOOK_CLEARANCES; c++) {
			reader_free(b->nations[p][c]);
			for (unsigned s = 0; s < BOOK_SPACE_SETS; s++)
				reader_free(b->devices[p][c][s]);
		}
		policy_free(b->policies[p]);
	}
	for (unsigned l = 0; l < BOOK_LABELS; l++)
		label_free(b->labels[l]);
	free(b);
}

static const struct reader *reader_of(const struct book *b,
				      const struct rights *r)
{
	return r->nation ? b->nations[r->policy][r->clearance]
			 : b->devices[r->policy][r->clearance][r->spaces];
}

bool book_releases(const struct book *b, const struct rights *r, unsigned space,
		   unsigned labels)
{
	for (unsigned l = 0; l < BOOK_LABELS; l++) {
		const struct bound *bound = b->bounds[r->policy][l];
		struct shelf_view alone = {span_str(spaces[space]), &bound, 1,
					   SHELF_CONDITION_NONE};

		if (labels >> l & 1 && !decide(b->policies[r->policy], NULL,
					       &alone, reader_of(b, r))
						.released)
			return false;
	}
	return labels != 0;
}

struct deciding {
	const struct book *b;
	const struct rights *r;
};

static bool releases(void *self, const struct shelf_row *row)
{
	const struct bound *bounds[SHELF_LABELS_MAX] = {0};
	struct shelf_view shelf = {span_of(row->space, row->space_len), bounds,
				   row->labels_count, row->condition};
	const struct deciding *d = self;

	for (size_t i = 0; i < row->labels_count; i++)
		for (unsigned l = 0; l < BOOK_LABELS; l++)
			if (digest_eq(row->labels[i], d->b->digests[l]))
				bounds[i] = d->b->bounds[d->r->policy][l];
	return decide(d->b->policies[d->r->policy], NULL, &shelf,
		      reader_of(d->b, d->r))
		.released;
}

struct err book_view(const struct book *b, const struct rights *r,
		     const struct shelf_index *index, struct txn *txn,
		     struct view *base, struct view **out)
{
	struct deciding d = {b, r};
	struct view_decider decider = {releases, &d, NULL};
	struct digest profile = {{1, r->nation, (uint8_t)r->policy,
				  (uint8_t)r->clearance, (uint8_t)r->spaces}};

	return view_new_decided(index, txn, profile, base, &decider, out);
}
