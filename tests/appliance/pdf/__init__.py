"""PDF: folded and made, judged by poppler and qpdf."""
