"""Makes documents of real kinds, the same bytes on every run."""
import io
import random
import struct
import zipfile
import zlib


def text(title, lines):
    return ("%s\n%s\n\n%s\n" % (title, "=" * len(title),
                                "\n".join(lines))).encode()


def pdf(title):
    """A page with one line of text: PDF 1.4, with a true cross-reference."""
    drawing = ("BT /F1 24 Tf 72 720 Td (%s) Tj ET" % title).encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]"
        b" /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % p for p in places)
    return out + (b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n"
                  b"%%%%EOF\n" % (len(objects) + 1, start))


def docx(paragraphs):
    """The least that a word processor opens: Office Open XML."""
    package = "http://schemas.openxmlformats.org/package/2006/"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/"
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    main = ("application/vnd.openxmlformats-officedocument."
            "wordprocessingml.document.main+xml")
    parts = {
        "[Content_Types].xml":
            '<Types xmlns="%scontent-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.'
            'relationships+xml"/><Override PartName="/word/document.xml" '
            'ContentType="%s"/></Types>' % (package, main),
        "_rels/.rels":
            '<Relationships xmlns="%srelationships"><Relationship Id="r1" '
            'Type="%srelationships/officeDocument" '
            'Target="word/document.xml"/></Relationships>' % (package,
                                                              office),
        "word/document.xml":
            '<w:document xmlns:w="%s"><w:body>%s</w:body></w:document>' % (
                word, "".join("<w:p><w:r><w:t>%s</w:t></w:r></w:p>" % p
                              for p in paragraphs)),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, body in parts.items():
            z.writestr(zipfile.ZipInfo(name, (2026, 11, 24, 0, 0, 0)),
                       head + body)
    return out.getvalue()


def png(width=320, height=200):
    """A drawn map: true colour, one IDAT."""
    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body
                + struct.pack(">I", zlib.crc32(kind + body)))

    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            land = (x * x // 900 + y * y // 300 + x * y // 700) % 16
            rows += bytes((40 + 6 * land, 90 + 9 * land, 150 - 5 * land))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(bytes(rows), 9))
            + chunk(b"IEND", b""))


def noise(size, seed=4774):
    """Bytes that no compression shortens, as imagery is."""
    return random.Random(seed).randbytes(size)
