/* Lists in pages. */
#include "relay/guard/core/admin/page.h"

static struct err read_limit(struct job *job, struct admin_page *p)
{
	uint64_t limit = PAGE_ROWS_MAX;
	struct err e = ERR_NONE;

	if (http_query_has(&job->query, "limit"))
		e = http_query_u64(&job->query, "limit", &limit);
	if (!failed(e) && (limit == 0 || limit > PAGE_ROWS_MAX))
		e = err_make(ERR_USAGE, "a limit is 1 to 1000");
	p->limit = (size_t)limit;
	return e;
}

struct err admin_page_begin(struct job *job, const char *const *names,
			    const char *noun, struct admin_page *out)
{
	struct admin_page p = {0};
	struct err e = http_query_only(&job->query, names);

	if (!failed(e))
		e = read_limit(job, &p);
	if (!failed(e) && http_query_has(&job->query, "after"))
		e = http_query_string(&job->query, "after", &p.after);
	if (failed(e))
		return e;
	p.w = json_write(&job->body);
	json_open_object(&p.w);
	json_put_name(&p.w, noun);
	json_open_array(&p.w);
	*out = p;
	return ERR_NONE;
}

bool admin_page_full(const struct job *job, const struct admin_page *page)
{
	return page->rows >= page->limit || job->body.len > PAGE_BODY_MAX;
}

struct err admin_page_end(struct job *job, struct admin_page *page,
			  struct span next)
{
	json_close_array(&page->w);
	return admin_page_close(job, page, next);
}

struct err admin_page_close(struct job *job, struct admin_page *page,
			    struct span next)
{
	if (next.len)
		json_member_string(&page->w, "next", next);
	json_close_object(&page->w);
	answer_json(job, 200);
	return buf_check(&job->body);
}
