/* libFuzzer's entry points, and seeds. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/base64.h"
#include "proto/base/json.h"

enum { FILE_CAP = 1 << 20, PATH_CAP = 512 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static unsigned seeds;

/* Seeds are written before libFuzzer reads its corpus. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (getenv("ENTENTE_FUZZ_SEEDS"))
		fuzz_seeds();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	fuzz_input(span_of(at, len));
	return 0;
}

void fuzz_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

void fuzz_seed(struct span bytes)
{
	const char *folder = getenv("ENTENTE_FUZZ_SEEDS");
	char path[PATH_CAP];
	FILE *f;

	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/seed-%03u", folder, seeds++);
	f = fopen(path, "wb");
	fuzz_check(f != NULL);
	fuzz_check(fwrite(bytes.at ? bytes.at : (const uint8_t *)"", 1,
			  bytes.len, f) == bytes.len);
	fclose(f);
}

void fuzz_seed_str(const char *text)
{
	fuzz_seed(span_str(text));
}

static bool read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	uint8_t part[4096];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(out, span_of(part, n));
	fclose(f);
	return !failed(buf_check(out));
}

void fuzz_file(const char *path, struct buf *out)
{
	if (!read_file(path, out))
		fuzz_fail(path, __FILE__, __LINE__);
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

void fuzz_seed_folder(const char *path, const char *end)
{
	DIR *d = opendir(path);
	struct dirent *entry;

	while (d && (entry = readdir(d)) != NULL) {
		char name[PATH_CAP];
		struct buf b;

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(name, sizeof(name), "%s/%s", path,
			     entry->d_name) >= (int)sizeof(name))
			continue;
		if (entry->d_type == DT_DIR) {
			fuzz_seed_folder(name, end);
			continue;
		}
		buf_init(&b, FILE_CAP);
		if (ends_with(name, end) && read_file(name, &b))
			fuzz_seed(buf_span(&b));
		buf_clear(&b);
	}
	if (d)
		closedir(d);
}

static void seed_row(const struct json *row, const char *member, bool bytes)
{
	struct span text;
	struct buf b;

	if (failed(json_get_string(row, member, &text)))
		return;
	buf_init(&b, FILE_CAP);
	if (!bytes)
		fuzz_seed(text);
	else if (!failed(base64url_decode(text, &b)))
		fuzz_seed(buf_span(&b));
	buf_clear(&b);
}

void fuzz_seed_vector(const char *row, const char *member, bool bytes)
{
	const struct json *rows, *value;
	struct json *file;
	const char *name;
	struct buf b;

	buf_init(&b, FILE_CAP);
	fuzz_file("tests/vectors/documents.json", &b);
	fuzz_ok(json_parse(buf_span(&b), &file));
	fuzz_ok(json_get_object(file, "rows", &rows));
	for (size_t i = 0; json_member(rows, i, &name, &value); i++)
		if (strncmp(name, row, strlen(row)) == 0)
			seed_row(value, member, bytes);
	json_free(file);
	buf_clear(&b);
}

bool fuzz_same(const struct buf *a, const struct buf *b)
{
	return fuzz_is(a, buf_span(b));
}

bool fuzz_is(const struct buf *a, struct span b)
{
	return !failed(buf_check(a)) && span_eq(buf_span(a), b);
}

struct span fuzz_line(struct span *left)
{
	size_t n = 0;
	struct span line;

	while (n < left->len && left->at[n] != '\n')
		n++;
	line = span_sub(*left, 0, n);
	*left = span_sub(*left, n < left->len ? n + 1 : n, SIZE_MAX);
	return line;
}

const struct crypto_key *fuzz_key(enum crypto_curve curve)
{
	static struct crypto_key *p256, *p384;
	struct crypto_key **key = curve == CRYPTO_P256 ? &p256 : &p384;
	uint8_t scalar[48];

	if (!*key) {
		memset(scalar, 0x2a, sizeof(scalar));
		fuzz_ok(crypto_key_from_scalar(
			curve, span_of(scalar, crypto_scalar_len(curve)), key));
	}
	return *key;
}
