/*
 * JSON values as a person reads them: times as UTC text, spans of time in
 * words, files by their length, digests cut short in tables.
 */
#ifndef CLIENT_CLI_TABLE_H
#define CLIENT_CLI_TABLE_H

#include "client/cli.h"

enum cli_table_how {
	CLI_TABLE_WHOLE, /* a line of its own */
	CLI_TABLE_SHORT, /* a cell among others */
};

/* Appends the value of the member `name`, which tells what it means. */
void cli_table_value(const char *name, const struct json *value,
		     enum cli_table_how how, struct buf *out);

/*
 * Prints an array of objects on stdout, a line each.  `columns` are names of
 * members in order, with spaces between and points for members of members, and
 * a leading "=" for what a person copies, so is never cut; NULL: every member.  Columns that are empty in each row are left out.
 */
void cli_table_print(const struct json *array, const char *columns);

/* "2026-11-24T18:55:00Z" */
void cli_table_time(uint64_t time_s, struct buf *out);
/* "3 minutes" */
void cli_table_seconds(uint64_t seconds, struct buf *out);

#endif
