/* One table of verbs, each with its help and an example. */
#include "client/verbs.h"

#include "client/admin.h"
#include "client/cli.h"
#include "client/cmd_backup.h"
#include "client/cmd_device.h"
#include "client/cmd_doc.h"
#include "client/cmd_init.h"
#include "client/cmd_label.h"
#include "client/cmd_officer.h"
#include "client/cmd_offline.h"
#include "client/cmd_policy.h"
#include "client/cmd_tick.h"
#include "client/cmd_store.h"

/* Who an officer's verb is for, where --as says no other. */
#define OPERATOR "operator"
#define SECURITY "security-officer"
#define AUDITOR	 "auditor"

#define OFFICER	 " " ADMIN_OPTIONS
#define DEVICE	 " device=DIR passphrase-file=FILE"

static const struct cli_verb verbs[] = {
	{"init", NULL, "FOLDER", 1, 1,
	 "nation=NAT name=HOST listen-device=HOST:PORT listen-peer=HOST:PORT "
	 "listen-admin=HOST:PORT endpoint=HOST:PORT peer-endpoint=HOST:PORT "
	 "ceiling=CLASS policy=SPIF quota=BYTES fronts=N passphrase-file=FILE",
	 "Make a relay's folder: keys, certificates, policy, officers.",
	 "entente init gbr --nation GBR --name relay.gbr.example "
	 "--listen-device 0.0.0.0:8443 --passphrase-file pass",
	 cmd_init, NULL},
	{"status", NULL, "", 0, 0, ADMIN_OPTIONS, "Show how a relay is.",
	 "entente status --folder gbr", cmd_status, OPERATOR},

	{"subject", "add", "NAME", 1, 1,
	 "clearance=FILE rights=LIST space=SPACE" OFFICER,
	 "Make a person known, with clearance, rights and spaces.",
	 "entente subject add alice --clearance alice.xml --rights "
	 "write,label --space GBR/ops --folder gbr",
	 cmd_subject_add, OPERATOR},
	{"subject", "list", "", 0, 0, ADMIN_OPTIONS, "List the persons known.",
	 "entente subject list --folder gbr", cmd_subject_list, OPERATOR},
	{"subject", "rm", "NAME", 1, 1, ADMIN_OPTIONS,
	 "Forget a person; the devices see nothing from then on.",
	 "entente subject rm alice --folder gbr", cmd_subject_rm, OPERATOR},

	{"device", "invite", "SUBJECT", 1, 1, "qr" OFFICER,
	 "Issue a one-time token for a person's device; --qr draws it.",
	 "entente device invite alice --qr --folder gbr", cmd_device_invite,
	 OPERATOR},
	{"device", "enrol", "TOKEN", 1, 1, "device=DIR passphrase-file=FILE",
	 "Enrol a folder as a device, with the token of an officer.",
	 "entente device invite alice --folder gbr | entente device enrol - "
	 "--device alice",
	 cmd_device_enrol, NULL},
	{"device", "list", "", 0, 0, ADMIN_OPTIONS,
	 "List the devices enrolled.", "entente device list --folder gbr",
	 cmd_device_list, OPERATOR},
	{"device", "freeze", "KEY", 1, 1, ADMIN_OPTIONS,
	 "Stop a device, until it is resumed.",
	 "entente device freeze KEYID --folder gbr", cmd_device_change,
	 OPERATOR},
	{"device", "resume", "KEY", 1, 1, ADMIN_OPTIONS,
	 "Let a frozen device go on.",
	 "entente device resume KEYID --folder gbr", cmd_device_change,
	 OPERATOR},
	{"device", "revoke", "KEY", 1, 1, ADMIN_OPTIONS,
	 "Stop a device for ever.", "entente device revoke KEYID --folder gbr",
	 cmd_device_change, OPERATOR},
	{"device", "show", "", 0, 0, "pem=DIR" DEVICE,
	 "Show who the device of a folder is; --pem writes its certificate, "
	 "key and CA for curl.",
	 "entente device show --pem alice-pem --device alice", cmd_device_show,
	 NULL},

	{"space", "list", "", 0, 0, ADMIN_OPTIONS,
	 "List the spaces and their members.",
	 "entente space list --folder gbr", cmd_space_list, OPERATOR},
	{"space", "set", "SPACE", 1, 1, "member=LIST" OFFICER,
	 "Set the members of a space.",
	 "entente space set GBR/ops --member alice,bob --folder gbr",
	 cmd_space_set, OPERATOR},

	{"doc", "list", "", 0, 0, "no-pull" DEVICE,
	 "Pull what changed, then list what this device may see.",
	 "entente doc list --device alice", cmd_doc_list, NULL},
	{"doc", "put", "FILE", 1, 1,
	 "space=SPACE label=XML title=TEXT document=ID beside "
	 "priority=N" DEVICE,
	 "Write a new document, or with --document an edit.",
	 "entente doc put plan.txt --space GBR/ops --label plan.label.xml "
	 "--device alice",
	 cmd_doc_put, NULL},
	{"doc", "get", "ID", 1, 1, "out=FILE revision=DIGEST no-pull" DEVICE,
	 "Fetch a document and write its plaintext to --out or stdout.",
	 "entente doc get ID --out plan.txt --device alice", cmd_doc_get, NULL},
	{"doc", "rm", "ID", 1, 1, "device=DIR passphrase-file=FILE",
	 "Delete a document of your nation, for everyone.",
	 "entente doc rm ID --device alice", cmd_doc_state, NULL},
	{"doc", "recall", "ID", 1, 1, "device=DIR passphrase-file=FILE",
	 "Recall a document: every holder must destroy it. Final.",
	 "entente doc recall ID --device alice", cmd_doc_state, NULL},
	{"doc", "relabel", "ID", 1, 1, "label=XML" DEVICE,
	 "Put a document under another label.",
	 "entente doc relabel ID --label wider.xml --device alice",
	 cmd_doc_state, NULL},
	{"doc", "seal", "FILE", 1, 1,
	 "space=SPACE label=XML title=TEXT out=FILE priority=N" DEVICE,
	 "Seal and sign a small document, as a body that curl can PUT.",
	 "entente doc seal note.txt --space GBR/ops --label l.xml --out "
	 "body.json --device alice",
	 cmd_doc_seal, NULL},
	{"doc", "why", "ID|REFERENCE", 1, 1,
	 "reader=READER clearance=FILE" OFFICER,
	 "Tell why a reader may or may not see a document, or open the "
	 "reference of a refusal.",
	 "entente doc why ID --reader FRA --folder gbr", cmd_doc_why, SECURITY},
	{"sync", NULL, "FOLDER", 1, 1,
	 "space=SPACE label=XML wait=SECONDS delete restore" DEVICE,
	 "Sync a folder of plain files: changes out, changes in. A file "
	 "removed "
	 "here stays away; --delete deletes its document, --restore brings it "
	 "back.",
	 "entente sync work --space GBR/ops --label default.xml --device "
	 "alice",
	 cmd_sync, NULL},

	{"peer", "invite", "NATION", 1, 1,
	 "ceiling=CLASS clearance=FILE space=LIST qr" OFFICER,
	 "Invite a nation, with what may be released to it.",
	 "entente peer invite FRA --clearance fra.xml --folder gbr",
	 cmd_peer_invite, OPERATOR},
	{"peer", "accept", "INVITATION", 1, 1,
	 "ceiling=CLASS clearance=FILE space=LIST" OFFICER,
	 "Accept a nation's invitation, with what may be released to it.",
	 "entente peer accept entente-peer:... --clearance gbr.xml --folder "
	 "fra",
	 cmd_peer_accept, OPERATOR},
	{"peer", "list", "", 0, 0, ADMIN_OPTIONS, "List the peers.",
	 "entente peer list --folder gbr", cmd_peer_list, OPERATOR},
	{"peer", "quarantine", "", 0, 0, ADMIN_OPTIONS,
	 "List what was refused from peers, and why.",
	 "entente peer quarantine --folder gbr", cmd_peer_quarantine, OPERATOR},
	{"peer", "suspend", "NATION", 1, 1, ADMIN_OPTIONS,
	 "Stop exchanging with a nation.",
	 "entente peer suspend FRA --folder gbr", cmd_peer_change, OPERATOR},
	{"peer", "resume", "NATION", 1, 1, ADMIN_OPTIONS,
	 "Exchange with a nation again.",
	 "entente peer resume FRA --folder gbr", cmd_peer_change, OPERATOR},

	{"explain", NULL, "", 0, 0,
	 "document=ID label=XML space=SPACE reader=READER "
	 "clearance=FILE" OFFICER,
	 "Tell by which rule a reader may see a document or a label; exit 0 "
	 "released, 2 not.",
	 "entente explain --label l.xml --space GBR/ops --reader FRA --folder "
	 "gbr",
	 cmd_explain, SECURITY},
	{"audit", "list", "", 0, 0,
	 "from=SECONDS to=SECONDS reader=READER document=ID what=WHAT "
	 "rule=RULE refused limit=N before=NUMBER" OFFICER,
	 "Show the audit, newest first.",
	 "entente audit list --reader FRA --limit 20 --folder gbr",
	 cmd_audit_list, AUDITOR},
	{"audit", "verify", "", 0, 0, "from=NUMBER" OFFICER,
	 "Check the audit's chain.", "entente audit verify --folder gbr",
	 cmd_audit_verify, AUDITOR},

	{"tick", "list", "", 0, 0, "" OFFICER,
	 "Show the newest tick of this relay and of its peers, who "
	 "countersigned, and what evidence there is against any.",
	 "entente tick list --folder gbr", cmd_tick_list, AUDITOR},
	{"tick", "evidence", "REPLICA", 1, 1, "number=N out=FILE" OFFICER,
	 "Fetch evidence against a relay, for other nations to verify.",
	 "entente tick evidence FRA.1 --out fra.json --folder gbr",
	 cmd_tick_evidence, AUDITOR},
	{"tick", "verify", "FILE", 1, 1, "",
	 "Check evidence without any relay: what it proves, against whom, "
	 "under which seal root; exit 0 proved, 2 not.",
	 "entente tick verify fra.json", cmd_tick_verify, NULL},

	{"store", "check", "FOLDER", 1, 1, "passphrase-file=FILE",
	 "Walk the whole store of a relay that does not run, and say what is "
	 "wrong; exit 0 sound, 2 not.",
	 "entente store check gbr --passphrase-file pass", cmd_store_check,
	 NULL},
	{"backup", "create", "", 0, 0, "to=FILE" OFFICER,
	 "Back a relay up while it serves, sealed to its recovery key.",
	 "entente backup create --to gbr.backup --folder gbr",
	 cmd_backup_create, OPERATOR},
	{"backup", "verify", "FILE", 1, 1, "recovery-key=FILE",
	 "Open a backup with the recovery key, unpack it beside itself, walk "
	 "the store, remove it again; exit 0 sound, 2 not.",
	 "entente backup verify gbr.backup --recovery-key recovery.key",
	 cmd_offline, NULL},
	{"backup", "restore", "FILE", 1, 1,
	 "to=FOLDER recovery-key=FILE seal-root=DIR passphrase-file=FILE "
	 "replica=N",
	 "Make a relay's folder of a backup, as a new replica that releases "
	 "nothing until it is let.",
	 "entente backup restore gbr.backup --to gbr --recovery-key "
	 "recovery.key --seal-root seal-root --passphrase-file pass",
	 cmd_offline, NULL},

	{"release", NULL, "", 0, 0, ADMIN_OPTIONS,
	 "Say that a restored relay may release again; another officer must "
	 "say so too.",
	 "entente release --as security-officer --folder gbr", cmd_release,
	 OPERATOR},

	{"key", "rotate-root", "FOLDER", 1, 1,
	 "passphrase-file=FILE new-passphrase-file=FILE",
	 "Give a stopped relay another root key: its ring key is sealed anew, "
	 "no content is touched.",
	 "entente key rotate-root gbr --passphrase-file pass "
	 "--new-passphrase-file pass.new",
	 cmd_offline, NULL},

	{"label", "explain", "[LABEL]", 0, 1,
	 "policy=SPIF label=LABEL clearance=CLEARANCE space=SPACE "
	 "ceiling=CLASS",
	 "Decide, as a relay does, whether a clearance releases a label, and "
	 "by "
	 "which rule; exit 0 released, 2 not.",
	 "entente label explain --policy docs/policy/alliance.spif.xml "
	 "--label docs/policy/labels/restricted-rel-deu-fra.xml "
	 "--clearance docs/policy/clearances/gbr-restricted.xml",
	 cmd_label_explain, NULL},
	{"label", "check", "[LABEL]", 0, 1,
	 "policy=SPIF label=LABEL ceiling=CLASS names=FILE",
	 "Check a label (STANAG 4774) or binding (STANAG 4778) against a "
	 "policy, governing file first.",
	 "entente label check --policy docs/policy/alliance.spif.xml "
	 "docs/policy/labels/unclassified.xml",
	 cmd_label_check, NULL},
	{"label", "marking", "[LABEL]", 0, 1,
	 "policy=SPIF label=LABEL lang=LANG",
	 "Print the words to be shown with a label.",
	 "entente label marking --policy docs/policy/alliance.spif.xml "
	 "docs/policy/labels/restricted-orion.xml --lang fr",
	 cmd_label_marking, NULL},
	{"label", "make", "", 0, 0,
	 "policy=SPIF classification=NAME category=TAG=VALUES under=POLICY "
	 "created=TIME review=TIME out=FILE",
	 "Make a label that is valid under a policy.",
	 "entente label make --policy docs/policy/alliance.spif.xml "
	 "--classification RESTRICTED --category 'Releasable To=GBR,DEU' "
	 "--out label.xml",
	 cmd_label_make, NULL},

	{"policy", "check", "FILE...", 1, 64, "",
	 "Check policy files (Open XML SPIF), the governing one first; exit 2 "
	 "if they are none.",
	 "entente policy check docs/policy/alliance.spif.xml "
	 "docs/policy/germany.spif.xml",
	 cmd_policy_check, NULL},
	{"policy", "show", "", 0, 0, "out=DIR" OFFICER,
	 "Show the policy of a relay; --out writes its files.",
	 "entente policy show --out policy --folder gbr", cmd_policy_show,
	 SECURITY},
	{"policy", "put", "FILE...", 1, 64, ADMIN_OPTIONS,
	 "Put another policy in force at once, the governing file first.",
	 "entente policy put alliance.spif.xml germany.spif.xml --folder gbr",
	 cmd_policy_put, SECURITY},
};

int verbs_run(int argc, char **argv)
{
	return cli_main(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
