/* Labels as XML: STANAG 4774, as other products read it. */
#include "proto/label/label.h"
#include "proto/label/label_read.h"

/* Text that XML 1.0 can carry: UTF-8, no control characters. */
static bool can_carry(struct span s)
{
	for (size_t i = 0; i < s.len;) {
		uint8_t c = s.at[i];
		size_t more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		uint32_t v = c;

		if (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xc2) ||
		    c > 0xf4 || i + more >= s.len)
			return false;
		if (more > 0)
			v = c & (0x3fu >> more);
		for (size_t n = 1; n <= more; n++) {
			if ((s.at[i + n] & 0xc0) != 0x80)
				return false;
			v = v << 6 | (s.at[i + n] & 0x3f);
		}
		if ((more == 2 && v < 0x800) || (more == 3 && v < 0x10000) ||
		    (v >= 0xd800 && v < 0xe000) || v > 0x10ffff ||
		    v == 0xfffe || v == 0xffff)
			return false;
		i += more + 1;
	}
	return true;
}

static void put_text(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.at[i]) {
		case '&':
			buf_put_str(out, "&amp;");
			break;
		case '<':
			buf_put_str(out, "&lt;");
			break;
		case '>':
			buf_put_str(out, "&gt;");
			break;
		case '"':
			buf_put_str(out, "&quot;");
			break;
		default:
			buf_put_u8(out, s.at[i]);
		}
	}
}

static void put_attribute(struct buf *out, const char *name, struct span s)
{
	if (s.len == 0)
		return;
	buf_printf(out, " %s=\"", name);
	put_text(out, s);
	buf_put_str(out, "\"");
}

static void put_element(struct buf *out, const char *indent, const char *name,
			struct span text)
{
	if (text.len == 0)
		return;
	buf_printf(out, "%s<%s>", indent, name);
	put_text(out, text);
	buf_printf(out, "</%s>\n", name);
}

static bool writable(const struct label_part *p)
{
	bool ok = p->policy.len > 0 && p->classification.len > 0 &&
		  can_carry(p->policy) && can_carry(p->policy_uri) &&
		  can_carry(p->classification) && can_carry(p->privacy_mark) &&
		  can_carry(p->created) && can_carry(p->review);

	for (size_t i = 0; i < p->category_count && ok; i++) {
		const struct label_category *c = &p->categories[i];

		ok = c->tag.len > 0 && c->value_count > 0 &&
		     can_carry(c->tag) && can_carry(c->uri);
		for (size_t n = 0; n < c->value_count && ok; n++)
			ok = c->values[n].len > 0 && can_carry(c->values[n]);
	}
	return ok;
}

struct err label_write(const struct label_part *part, struct buf *out)
{
	static const char *const names[] = {"originatorConfidentialityLabel",
					    "alternativeConfidentialityLabel",
					    "metadataConfidentialityLabel"};
	static const char *const types[] = {"RESTRICTIVE", "PERMISSIVE",
					    "INFORMATIVE"};
	const char *root = names[part->kind];

	if (!writable(part))
		return err_make(ERR_LABEL, "label cannot be written");
	buf_printf(out,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<%s xmlns=\"" LABEL_NS "\"",
		   root);
	put_attribute(out, "ReviewDateTime", part->review);
	buf_put_str(out, ">\n  <ConfidentialityInformation>\n"
			 "    <PolicyIdentifier");
	put_attribute(out, "URI", part->policy_uri);
	buf_put_str(out, ">");
	put_text(out, part->policy);
	buf_put_str(out, "</PolicyIdentifier>\n");
	put_element(out, "    ", "Classification", part->classification);
	put_element(out, "    ", "PrivacyMark", part->privacy_mark);
	for (size_t i = 0; i < part->category_count; i++) {
		const struct label_category *c = &part->categories[i];

		buf_put_str(out, "    <Category");
		put_attribute(out, "TagName", c->tag);
		buf_printf(out, " Type=\"%s\"", types[c->type]);
		put_attribute(out, "URI", c->uri);
		buf_put_str(out, ">\n");
		for (size_t n = 0; n < c->value_count; n++)
			put_element(out, "      ", "GenericValue",
				    c->values[n]);
		buf_put_str(out, "    </Category>\n");
	}
	buf_put_str(out, "  </ConfidentialityInformation>\n");
	put_element(out, "  ", "CreationDateTime", part->created);
	buf_printf(out, "</%s>\n", root);
	return buf_check(out);
}
