"""Writes the labels and clearances of the demo: STANAG 4774 XML."""
from xml.sax.saxutils import escape, quoteattr

LABEL = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"
CLEARANCE = "urn:nato:stanag:4774:confidentialityclearance:1:0"


def categories(rows):
    """Rows of (TagName, Type, values); one without values is left out."""
    return "".join(
        "  <Category TagName=%s Type=%s>\n%s  </Category>\n" % (
            quoteattr(name), quoteattr(kind), "".join(
                "    <GenericValue>%s</GenericValue>\n" % escape(v)
                for v in values))
        for name, kind, values in rows if values)


def label(policy, classification, rows=()):
    return ("""<?xml version="1.0" encoding="UTF-8"?>
<originatorConfidentialityLabel xmlns="%s"
    ReviewDateTime="2036-11-24T00:00:00Z">
 <ConfidentialityInformation>
  <PolicyIdentifier>%s</PolicyIdentifier>
  <Classification>%s</Classification>
%s </ConfidentialityInformation>
 <CreationDateTime>2026-11-24T00:00:00Z</CreationDateTime>
</originatorConfidentialityLabel>
""" % (LABEL, escape(policy), escape(classification),
       categories(rows))).encode()


def clearance(policy, classifications, rows=()):
    return ("""<?xml version="1.0" encoding="UTF-8"?>
<sclr:ConfidentialityClearance xmlns:sclr="%s" xmlns="%s">
  <PolicyIdentifier>%s</PolicyIdentifier>
  <sclr:ClassificationList>
%s  </sclr:ClassificationList>
%s</sclr:ConfidentialityClearance>
""" % (CLEARANCE, LABEL, escape(policy), "".join(
        "    <Classification>%s</Classification>\n" % escape(c)
        for c in classifications), categories(rows))).encode()
