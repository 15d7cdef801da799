/* A relay's configuration: what is wrong is said, with its line. */
#include "tests/fuzz/fuzz.h"

#include "relay/config.h"

void fuzz_seeds(void)
{
	fuzz_seed_str("nation: GBR\nname: relay.gbr.example\nlisten:\n"
		      "  device: 0.0.0.0:8443\n  peer: '[::]:8444'\n"
		      "  admin: 127.0.0.1:0\nendpoint: relay.gbr.example:8443\n"
		      "peer_endpoint: relay.gbr.example:8444\n"
		      "ceiling: RESTRICTED\nquota_bytes: 1000000\nfronts: 2\n");
}

void fuzz_input(struct span bytes)
{
	static struct config config;
	struct config_fault fault = {0};

	if (failed(config_parse(bytes, &config, &fault)))
		fuzz_check(memchr(fault.text, 0, sizeof(fault.text)));
	else
		fuzz_check(config.fronts >= 1 &&
			   config.fronts <= CONFIG_FRONTS_MAX);
}
