/* Who asks: found by certificate, and bound to the policy as a reader. */
#include "proto/crypto/certificate.h"
#include "relay/guard/core/state.h"

void asker_clear(struct asker *asker)
{
	if (asker->sign_owned)
		crypto_public_free(asker->sign);
	*asker = (struct asker){.kind = ASKER_NOBODY};
}

/* The key that signs this asker's requests. */
static struct err sign_key(struct job *job, struct span spki)
{
	struct asker *a = &job->asker;
	struct err e =
		keycache_spki(job->core->keys, spki, &a->sign, &a->sign_owned);

	if (!failed(e))
		a->key = crypto_public_id(a->sign);
	return e;
}

static struct err find_device(struct job *job, struct txn *txn)
{
	struct asker *a = &job->asker;
	struct digest digest;
	struct err e = certificate_digest(job->certificate, &digest);

	if (!failed(e))
		e = device_by_certificate(txn, digest, &job->arena, &a->device);
	if (e.code == ERR_NOT_FOUND ||
	    (!failed(e) && !digest_eq(a->device.certificate, digest)))
		return err_make(ERR_UNAUTHENTICATED,
				"this certificate was not issued here, or "
				"has been replaced");
	if (failed(e))
		return e;
	a->kind = ASKER_DEVICE;
	a->name = reader_device(a->device.author);
	if (a->device.state != DEVICE_ACTIVE)
		return err_make(ERR_REVOKED, "the device is frozen or revoked");
	if (a->device.certificate_until < core_now_s(job->core))
		return err_make(ERR_UNAUTHENTICATED,
				"the device's certificate has expired");
	e = subject_get(txn, a->device.subject, &job->arena, &a->subject);
	if (e.code == ERR_NOT_FOUND)
		return err_make(ERR_REVOKED,
				"the device's subject is no longer known");
	if (failed(e))
		return e;
	return sign_key(job, a->device.author_spki);
}

/* A peer's certificate chains to the CA pinned at peering and names its
 * nation as organisation. */
static struct err find_nation(struct job *job, struct txn *txn)
{
	struct asker *a = &job->asker;
	const struct replica_certificate *certificate;
	struct certificate_facts facts;
	struct nation nation;
	struct err e = certificate_read(job->certificate, &job->arena, &facts);

	if (!failed(e))
		e = nation_parse(facts.organization, &nation);
	if (failed(e))
		return err_blame(e, ERR_UNAUTHENTICATED,
				 "the certificate names no nation");
	e = peer_get(txn, nation, &job->arena, &a->peer);
	if (e.code == ERR_NOT_FOUND)
		return err_make(ERR_UNAUTHENTICATED,
				"that nation is no peer of this relay");
	if (!failed(e))
		/* A relay's certificate serves both ways; a device's of that
		 * nation, from the same CA, is a client's alone. */
		e = certificate_check(job->certificate, a->peer.ca,
				      CERTIFICATE_BOTH, core_now_s(job->core));
	if (failed(e))
		return e;
	a->kind = ASKER_NATION;
	a->name = reader_nation(nation);
	if (a->peer.state != PEER_ACTIVE)
		return err_make(ERR_REVOKED, "the peer is suspended");
	e = trust_certificate(job->core->trust, txn, a->peer.replica,
			      &certificate);
	if (failed(e))
		return e;
	return sign_key(job, crypto_public_spki(certificate->draft.request));
}

static struct err find_officer(struct job *job, struct txn *txn)
{
	struct asker *a = &job->asker;
	struct digest digest;
	struct err e = certificate_digest(job->certificate, &digest);

	if (!failed(e))
		e = officer_by_certificate(txn, digest, &job->arena,
					   &a->officer);
	if (e.code == ERR_NOT_FOUND)
		return err_make(ERR_UNAUTHENTICATED,
				"not the certificate of an officer");
	if (!failed(e))
		e = certificate_check(job->certificate,
				      buf_span(&job->core->ca),
				      CERTIFICATE_CLIENT,
				      core_now_s(job->core));
	if (failed(e))
		return e;
	a->kind = ASKER_OFFICER;
	return sign_key(job, a->officer.spki);
}

struct err asker_find(struct job *job, struct txn *txn)
{
	struct err e = ERR_NONE;

	asker_clear(&job->asker);
	if (job->certificate.len == 0)
		return ERR_NONE;
	switch (job->listener) {
	case CORE_DEVICE:
		e = find_device(job, txn);
		break;
	case CORE_PEER:
		e = find_nation(job, txn);
		break;
	case CORE_ADMIN:
		e = find_officer(job, txn);
		break;
	case CORE_INTERNAL:
		break;
	}
	return e;
}

struct err asker_reader(struct job *job)
{
	struct asker *a = &job->asker;
	struct reader_spec spec = {.in_posture = true};
	struct policing_reader *before = job->reader;
	struct span clearance;
	struct err e;

	if (a->kind == ASKER_DEVICE) {
		spec.kind = READER_DEVICE;
		spec.spaces = a->subject.spaces;
		spec.space_count = a->subject.space_count;
		clearance = a->subject.clearance;
	} else if (a->kind == ASKER_NATION) {
		spec.kind = READER_NATION;
		spec.spaces = a->peer.profile.spaces;
		spec.space_count = a->peer.profile.space_count;
		spec.all_spaces = a->peer.profile.all_spaces;
		spec.ceiling = a->peer.profile.ceiling;
		clearance = a->peer.profile.clearance;
	} else {
		return err_make(ERR_FORBIDDEN, "no reader of documents");
	}
	e = policing_reader(job->policing, clearance, &spec, NULL,
			    &job->reader);
	if (!failed(e))
		policing_reader_release(before);
	return e;
}

void asker_audit(const struct asker *a, enum audit_who *who, struct span *id)
{
	*who = AUDIT_SYSTEM;
	*id = span_str("nobody");
	if (a->kind == ASKER_DEVICE) {
		*who = AUDIT_DEVICE;
		*id = span_of(a->device.author.at, DIGEST_LEN);
	} else if (a->kind == ASKER_NATION) {
		*who = AUDIT_NATION;
		*id = span_of(a->name.nation.code, NATION_LEN);
	} else if (a->kind == ASKER_OFFICER) {
		*who = AUDIT_OFFICER;
		*id = a->officer.name;
	}
}
