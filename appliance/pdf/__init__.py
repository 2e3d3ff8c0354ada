"""PDF: read, folded and made. The only room that knows pypdf and reportlab."""
