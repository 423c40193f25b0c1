"""Weekly reports: a week's snapshot as of its end, laid out as a page and a PDF, kept as issued (docs/decisions/0009)."""
