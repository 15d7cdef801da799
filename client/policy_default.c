/* docs/policy/ as bytes inside the command. */
#include "client/policy_default.h"

#if __has_include("docs/policy/alliance.spif.xml") &&                          \
		  __has_include("docs/policy/germany.spif.xml")
#define HAVE_POLICY 1
__asm__(".section .rodata\n"
	"policy_alliance:\n"
	".incbin \"docs/policy/alliance.spif.xml\"\n"
	"policy_alliance_end:\n"
	"policy_germany:\n"
	".incbin \"docs/policy/germany.spif.xml\"\n"
	"policy_germany_end:\n"
	".previous\n");
extern const uint8_t policy_alliance[], policy_alliance_end[];
extern const uint8_t policy_germany[], policy_germany_end[];
#endif

size_t policy_default(struct nation_policy *out)
{
#ifdef HAVE_POLICY
	out[0] = (struct nation_policy){"alliance.spif.xml",
					span_of(policy_alliance,
						(size_t)(policy_alliance_end -
							 policy_alliance))};
	out[1] = (struct nation_policy){"germany.spif.xml",
					span_of(policy_germany,
						(size_t)(policy_germany_end -
							 policy_germany))};
	return 2;
#else
	(void)out;
	return 0;
#endif
}
