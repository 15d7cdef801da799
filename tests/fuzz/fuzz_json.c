/* JSON: whatever parses has one canonical form, which parses to itself. */
#include "tests/fuzz/fuzz.h"

#include "proto/base/json.h"

enum { CAP = 1 << 20 };

void fuzz_seeds(void)
{
	fuzz_seed_str("{\"a\":[1,true,null,\"\\u00e9\\ud83d\\ude00\"],"
		      "\"\\u20ac\":9007199254740991,\"b\":{\"\":false}}");
	fuzz_seed_str("[[[[]]],{},\"\\\\\\\"\\/\\b\\f\\n\\r\\t\",0]");
	fuzz_seed_vector("manifest", "payload", false);
}

void fuzz_input(struct span bytes)
{
	struct buf once, twice;
	struct json *j;

	if (failed(json_parse(bytes, &j)))
		return;
	buf_init(&once, CAP);
	buf_init(&twice, CAP);
	fuzz_ok(json_canonical(j, &once));
	json_free(j);
	fuzz_ok(json_parse(buf_span(&once), &j));
	fuzz_ok(json_canonical(j, &twice));
	fuzz_check(fuzz_same(&once, &twice));
	json_free(j);
	buf_clear(&once);
	buf_clear(&twice);
}
