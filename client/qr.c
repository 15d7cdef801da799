/* A QR code on a terminal: two modules to a character, dark on light. */
#include "client/qr.h"

#include <qrencode.h>
#include <stdio.h>

enum { QUIET = 2 };

static int dark(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return 0;
	return code->data[y * code->width + x] & 1;
}

struct err qr_print(const char *text)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);

	if (!code)
		return err_make(ERR_TOO_LARGE, "no QR code can hold this");
	for (int y = -QUIET; y < code->width + QUIET; y += 2) {
		fputs("\033[30;107m", stderr);
		for (int x = -QUIET; x < code->width + QUIET; x++) {
			static const char *const blocks[] = {" ",
							     "\xe2\x96\x80",
							     "\xe2\x96\x84",
							     "\xe2\x96\x88"};

			fputs(blocks[dark(code, x, y) | dark(code, x, y + 1)
								<< 1],
			      stderr);
		}
		fputs("\033[0m\n", stderr);
	}
	QRcode_free(code);
	return ERR_NONE;
}
